import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { configurationOf } from "../applying/news.ts";
import type { Place } from "../objects.ts";
import { placeOf } from "./observed.ts";

/** Is it the same that is to be applied? The same numbers may be those of another life (N2). */
export function isSameDesire(one: DesiredSentinel, other: DesiredSentinel): boolean {
  return (
    one.generation === other.generation &&
    one.deployNumber === other.deployNumber &&
    isSamePlace(placeOf(one), placeOf(other)) &&
    configurationOf(one) === configurationOf(other)
  );
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.namespace === other.namespace && one.name === other.name;
}
