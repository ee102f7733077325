// What is drawn of a rollout: a pure reduction of what Watch tells (the events of it in view-events.ts).
//   V1. Counts of a wave are taken from its events as they stand there, never added up: an event more or less on the
//       way (a watch that began in the middle) leaves them right.
//   V2. An event at or before `sequence` is already contained and changes nothing.
//   V3. A view's size does not grow with the fleet: failures and recent events are bounded lists.
//   V4. Only the latest rollout begins anything: an outcome in another one than is shown is late news of an older
//       one, and changes nothing.

import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Rollout,
  type RolloutEvent,
  type RolloutTarget,
  SentinelRolloutState as State,
  type Wave,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { emptyPace, type Pace } from "./pace.ts";

/** How many failures a view keeps, the latest ones. */
export const MAX_FAILURES = 200;

export interface RolloutView {
  /** Empty: there never was a rollout. */
  readonly rolloutId: string;
  readonly image: string;
  readonly state: State;
  readonly reason: string;
  /** Number of targets. */
  readonly total: number;
  readonly waves: readonly WaveView[];
  /** The newest last, bounded. */
  readonly failures: readonly Failure[];
  readonly reverted: number;
  readonly rollback: RollbackView | undefined;
  /** The newest last, bounded. */
  readonly recent: readonly RolloutEvent[];
  readonly pace: Pace;
  /** Milliseconds since 1970, like every instant here. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Events up to this one are contained. */
  readonly sequence: bigint;
}

export interface WaveView {
  /** From 0. */
  readonly index: number;
  /** Where it ends, in percent of the targets; undefined until the plan is known. */
  readonly percentage: number | undefined;
  readonly size: number;
  readonly ready: number;
  readonly failed: number;
  readonly skipped: number;
  /** Back on the previous image. Where nobody tells, those of a wave that is over and of which nothing else is known. */
  readonly reverted: number;
  readonly deploying: number;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
}

export interface Failure {
  readonly sentinelId: string;
  readonly reason: string;
  /** Machine-readable class of the reason; empty where it is not known. */
  readonly reasonClass: string;
}

/** A rollback that is, or was, watched. */
export interface RollbackView {
  readonly total: number;
  readonly reverted: number;
  readonly failed: number;
}

export function emptyView(): RolloutView {
  return {
    rolloutId: "",
    image: "",
    state: State.IDLE,
    reason: "",
    total: 0,
    waves: [],
    failures: [],
    reverted: 0,
    rollback: undefined,
    recent: [],
    pace: emptyPace,
    startedAt: undefined,
    endedAt: undefined,
    sequence: 0n,
  };
}

/** The view of a rollout as it stands. */
export function viewOfRollout(rollout: Rollout, sequence: bigint): RolloutView {
  return {
    ...emptyView(),
    rolloutId: rollout.id,
    image: rollout.image,
    state: rollout.state,
    reason: rollout.reason,
    total: rollout.total,
    waves: rollout.waves.map((wave) => viewOfWave(wave, wave.index === rollout.currentWave ? rollout.inFlight : 0)),
    reverted: rollout.reverted,
    rollback: rollbackOf(rollout),
    startedAt: msOf(rollout.createdAt),
    endedAt: msOf(rollout.endedAt),
    sequence,
  };
}

/** Adds what a listing of failed targets tells. */
export function withFailures(view: RolloutView, targets: readonly RolloutTarget[]): RolloutView {
  return targets.reduce<RolloutView>(
    (next, { sentinelId, reason }) => withFailure(next, { sentinelId, reason, reasonClass: "" }),
    view,
  );
}

/** Fills in what events do not tell: waves to come and their percentages, and waves that were over before. */
export function withPlan(view: RolloutView, rollout: Rollout): RolloutView {
  if (rollout.id !== view.rolloutId) return view;
  const known = new Map(view.waves.map((wave) => [wave.index, wave]));
  const waves = rollout.waves.map((wave) => {
    const seen = known.get(wave.index);
    return seen ? { ...seen, percentage: wave.percentage, size: wave.size } : viewOfWave(wave, 0);
  });
  return {
    ...view,
    image: rollout.image,
    total: rollout.total,
    waves,
    startedAt: view.startedAt ?? msOf(rollout.createdAt),
  };
}

/** A rollback that goes on: what it has to do is what it has done and what is left. */
function rollbackOf({ state, ready, reverted }: Rollout): RollbackView | undefined {
  return state === State.ROLLING_BACK ? { total: ready + reverted, reverted, failed: 0 } : undefined;
}

/** A wave of which nothing is known yet. */
export function emptyWave(index: number): WaveView {
  const counts = { size: 0, ready: 0, failed: 0, skipped: 0, reverted: 0, deploying: 0 };
  return { index, percentage: undefined, ...counts, startedAt: undefined, completedAt: undefined };
}

function viewOfWave(wave: Wave, deploying: number): WaveView {
  const { index, percentage, size, ready, failed, skipped } = wave;
  const times = { startedAt: msOf(wave.startedAt), completedAt: msOf(wave.completedAt) };
  const reverted = wave.completedAt === undefined ? 0 : Math.max(0, size - ready - failed - skipped - deploying);
  return { index, percentage, size, ready, failed, skipped, reverted, deploying, ...times };
}

/** One more failure, or another reason for one that is known; only the latest ones are kept. */
export function withFailure(view: RolloutView, { sentinelId, reason, reasonClass }: Failure): RolloutView {
  const others = view.failures.filter((failure) => failure.sentinelId !== sentinelId);
  return { ...view, failures: [...others.slice(1 - MAX_FAILURES), { sentinelId, reason, reasonClass }] };
}

/** Targets that took the image and have not gone back. */
export function readyOf(view: RolloutView): number {
  return view.waves.reduce((sum, wave) => sum + wave.ready, 0);
}

/** Targets that did not take it. */
export function failedOf(view: RolloutView): number {
  return view.waves.reduce((sum, wave) => sum + wave.failed, 0);
}

/** Targets that have their outcome. */
export function doneOf(wave: WaveView): number {
  return wave.ready + wave.failed + wave.skipped + wave.reverted;
}

/** Milliseconds since 1970. */
export function msOf(time: Timestamp | undefined): number | undefined {
  return time && timestampMs(time);
}
