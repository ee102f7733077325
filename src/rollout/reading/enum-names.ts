import type { GenEnum } from "@bufbuild/protobuf/codegenv2";
import { DeployFailureClassSchema } from "../../gen/hydra/v1/cluster_pb.ts";
import { RoleSchema } from "../../gen/hydra/v1/options_pb.ts";
import {
  RolloutEventTypeSchema,
  RolloutTargetStatusSchema,
  SentinelRolloutStateSchema,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import {
  SentinelDeployStatusSchema,
  SentinelDesiredStateSchema,
  SentinelHealthSchema,
} from "../../gen/hydra/v1/sentinel_pb.ts";

/** The names that tables have for an enum's values: the proto names in lower case, without the enum's prefix. */
export interface EnumNames<E extends number> {
  /** Undefined: the enum has no such value, or the value is its UNSPECIFIED. */
  nameOf(value: E): string | undefined;
  /** UNSPECIFIED for a name that this version does not know: a newer server wrote it. */
  valueOf(name: string): E;
  /** In the order of the enum, UNSPECIFIED left out. */
  readonly names: readonly string[];
}

function enumNames<E extends number>(schema: GenEnum<E>): EnumNames<E> {
  const specified = schema.values.filter(({ number }) => number !== 0);
  const byValue = new Map(specified.map(({ number, localName }) => [number, localName.toLowerCase()]));
  const byName = new Map(specified.map(({ number, localName }) => [localName.toLowerCase(), number as E]));
  return {
    nameOf: (value) => byValue.get(value),
    valueOf: (name) => byName.get(name) ?? (0 as E),
    names: [...byValue.values()],
  };
}

export const rolloutStates = enumNames(SentinelRolloutStateSchema);
export const eventTypes = enumNames(RolloutEventTypeSchema);
export const targetStatuses = enumNames(RolloutTargetStatusSchema);
export const deployStatuses = enumNames(SentinelDeployStatusSchema);
export const desiredStates = enumNames(SentinelDesiredStateSchema);
export const healths = enumNames(SentinelHealthSchema);
export const failureClasses = enumNames(DeployFailureClassSchema);
export const tokenRoles = enumNames(RoleSchema);
