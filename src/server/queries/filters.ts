import { Code, ConnectError } from "@connectrpc/connect";
import type { EnumNames } from "../../rollout/index.ts";

/** The names of the values of a filter, as tables have them. Throws INVALID_ARGUMENT on a value that the enum has not. */
export function namesFrom<E extends number>(field: string, values: readonly E[], names: EnumNames<E>): string[] {
  return values.map((value) => {
    const name = names.nameOf(value);
    if (name !== undefined) return name;
    const accepted = names.names.map((known) => known.toUpperCase()).join(", ");
    throw new ConnectError(`${field} has ${value}, accepted are ${accepted}`, Code.InvalidArgument);
  });
}
