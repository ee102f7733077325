import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { Place } from "../objects.ts";
import { placeOf } from "./observed.ts";

/** Is it the same that is to be applied? */
export function isSameDesire(one: DesiredSentinel, other: DesiredSentinel): boolean {
  return (
    one.generation === other.generation &&
    one.deployNumber === other.deployNumber &&
    isSamePlace(placeOf(one), placeOf(other))
  );
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.namespace === other.namespace && one.name === other.name;
}
