import type { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import { nearestToCause, type Trouble } from "./trouble.ts";

// From bad news to a failed deploy.
//
//   G1. News of one class has to last for the grace without a break: an error of
//       a registry that passes is none.
//   G2. What the cluster has waited for already fails at once, and with it what
//       there is besides, since it has lasted as long.
//   G3. What was known of a deploy says nothing about the next.
//   G4. News that is in between neither begins a grace nor ends it, and fails
//       nothing: the container may come up this time.

/** What is to be remembered of a sentinel from one look to the next. */
export interface Memory {
  /** Which deploy of which Deployment it is about (G3). */
  readonly about: string;
  /** Since when there is news of a class, by the judge's clock. */
  readonly since: ReadonlyMap<DeployFailureClass, number>;
  /** Since when the progress deadline was exceeded at the first look. */
  readonly deadlineBefore: number | undefined;
}

export interface Clock {
  /** Of any clock that only goes forward. */
  readonly nowMs: number;
  readonly graceMs: number;
}

export interface Weighed {
  /** By which the deploy has failed. */
  readonly failure: Trouble | undefined;
  /** When bad news becomes a failure if it lasts; undefined: there is none, or it has. */
  readonly recheckAtMs: number | undefined;
  readonly memory: Memory;
}

/** Weighs bad news by how long it has lasted. */
export function weigh(troubles: readonly Trouble[], memory: Memory, { nowMs, graceMs }: Clock): Weighed {
  const since = new Map<DeployFailureClass, number>();
  for (const { failureClass, inBetween } of troubles) {
    const sinceMs = memory.since.get(failureClass) ?? (inBetween ? undefined : nowMs);
    if (sinceMs !== undefined) since.set(failureClass, sinceMs);
  }
  const endOfGrace = ({ failureClass }: Trouble) => (since.get(failureClass) ?? nowMs) + graceMs;
  const overdue = troubles.some(({ atOnce }) => atOnce);
  const seen = troubles.filter(({ inBetween }) => !inBetween);
  const failure = nearestToCause(overdue ? troubles : seen.filter((trouble) => endOfGrace(trouble) <= nowMs));
  const recheckAtMs = failure || seen.length === 0 ? undefined : Math.min(...seen.map(endOfGrace));
  return { failure, recheckAtMs, memory: { ...memory, since } };
}
