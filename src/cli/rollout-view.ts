// What is drawn of a rollout: a pure reduction of what Watch tells.
//   V1. Counts of a wave are taken from its events as they stand there, never added up: an event more or less on the
//       way (a watch that began in the middle) leaves them right.
//   V2. An event at or before `sequence` is already contained and changes nothing.
//   V3. A view's size does not grow with the fleet: failures and recent events are bounded lists.

import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Rollout,
  type RolloutEvent,
  RolloutEventType as Type,
  type RolloutTarget,
  SentinelRolloutState as State,
  type Wave,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { emptyPace, type Pace, recordOutcome } from "./pace.ts";

const MAX_FAILURES = 100;
const MAX_RECENT = 8;

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
  readonly deploying: number;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
}

export interface Failure {
  readonly sentinelId: string;
  readonly reason: string;
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
    startedAt: msOf(rollout.createdAt),
    endedAt: msOf(rollout.endedAt),
    sequence,
  };
}

/** Whether an event tells that the turn of a sentinel has begun; what becomes of it is told later. */
export function isBeginning(event: RolloutEvent): boolean {
  return event.type === Type.SENTINEL_DEPLOYING || event.type === Type.SENTINEL_REVERTING;
}

/** Adds what a listing of failed targets tells. */
export function withFailures(view: RolloutView, targets: readonly RolloutTarget[]): RolloutView {
  return targets.reduce<RolloutView>((next, { sentinelId, reason }) => withFailure(next, { sentinelId, reason }), view);
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

/** The view after one more event. Another rollout's event begins a new view. */
export function applyEvent(view: RolloutView, event: RolloutEvent): RolloutView {
  if (event.sequence <= view.sequence) return view;
  const current = event.rolloutId === view.rolloutId ? view : { ...emptyView(), rolloutId: event.rolloutId };
  const next = {
    ...current,
    state: event.state,
    recent: isBeginning(event) ? current.recent : [...current.recent.slice(1 - MAX_RECENT), event],
    sequence: event.sequence,
  };
  return applyKind(withWave(next, event), event);
}

function applyKind(view: RolloutView, event: RolloutEvent): RolloutView {
  const at = msOf(event.time);
  switch (event.type) {
    case Type.ROLLOUT_STARTED:
      return { ...view, image: event.image, total: event.total ?? view.total, startedAt: at, endedAt: undefined };
    case Type.SENTINEL_READY:
    case Type.SENTINEL_SKIPPED:
      return { ...view, pace: recordOutcome(view.pace, at) };
    case Type.SENTINEL_FAILED:
      return withFailure({ ...view, pace: recordOutcome(view.pace, at) }, event);
    case Type.SENTINEL_RECOVERED:
      return { ...view, failures: view.failures.filter(({ sentinelId }) => sentinelId !== event.sentinelId) };
    case Type.ROLLOUT_PAUSED:
      return { ...view, reason: event.reason };
    case Type.ROLLOUT_RESUMED:
      return { ...view, reason: "", pace: emptyPace };
    case Type.ROLLOUT_CANCELLED:
    case Type.ROLLOUT_COMPLETED:
      return { ...view, reason: event.reason, endedAt: at };
    default:
      return applyRollback(view, event);
  }
}

function applyRollback(view: RolloutView, event: RolloutEvent): RolloutView {
  const rollback = view.rollback ?? { total: 0, reverted: 0, failed: 0 };
  switch (event.type) {
    case Type.ROLLBACK_STARTED:
      return { ...view, reason: "", rollback: { total: readyOf(view), reverted: 0, failed: 0 } };
    case Type.SENTINEL_REVERTED:
      return {
        ...view,
        reverted: view.reverted + 1,
        rollback: { ...rollback, reverted: rollback.reverted + 1 },
      };
    case Type.SENTINEL_REVERT_FAILED:
      return withFailure({ ...view, rollback: { ...rollback, failed: rollback.failed + 1 } }, event);
    case Type.ROLLBACK_COMPLETED:
      return { ...view, endedAt: msOf(event.time) };
    default:
      return view;
  }
}

/** Brings the wave that an event speaks of up to date. */
function withWave(view: RolloutView, event: RolloutEvent): RolloutView {
  const index = event.waveIndex;
  if (index === undefined) return view;
  const found = view.waves.find((wave) => wave.index === index);
  const wave = applyToWave(found ?? emptyWave(index), event);
  const others = view.waves.filter((other) => other.index !== index);
  return { ...view, waves: [...others, wave].toSorted((a, b) => a.index - b.index) };
}

function applyToWave(wave: WaveView, event: RolloutEvent): WaveView {
  const counted = {
    ...wave,
    size: event.waveSize ?? wave.size,
    ready: event.waveReady ?? wave.ready,
    failed: event.waveFailed ?? wave.failed,
  };
  switch (event.type) {
    case Type.WAVE_STARTED:
      return { ...counted, startedAt: msOf(event.time), completedAt: undefined };
    case Type.WAVE_COMPLETED:
      return { ...counted, deploying: 0, completedAt: msOf(event.time) };
    case Type.SENTINEL_DEPLOYING:
      return { ...counted, deploying: wave.deploying + 1 };
    case Type.SENTINEL_READY:
    case Type.SENTINEL_FAILED:
      return { ...counted, deploying: Math.max(0, wave.deploying - 1) };
    case Type.SENTINEL_SKIPPED:
      return { ...counted, skipped: wave.skipped + 1, deploying: Math.max(0, wave.deploying - 1) };
    default:
      return counted;
  }
}

function emptyWave(index: number): WaveView {
  const counts = { size: 0, ready: 0, failed: 0, skipped: 0, deploying: 0 };
  return { index, percentage: undefined, ...counts, startedAt: undefined, completedAt: undefined };
}

function viewOfWave(wave: Wave, deploying: number): WaveView {
  const { index, percentage, size, ready, failed, skipped } = wave;
  const times = { startedAt: msOf(wave.startedAt), completedAt: msOf(wave.completedAt) };
  return { index, percentage, size, ready, failed, skipped, deploying, ...times };
}

function withFailure(view: RolloutView, { sentinelId, reason }: Failure): RolloutView {
  const others = view.failures.filter((failure) => failure.sentinelId !== sentinelId);
  return { ...view, failures: [...others.slice(1 - MAX_FAILURES), { sentinelId, reason }] };
}

/** Targets that took the image. */
export function readyOf(view: RolloutView): number {
  return view.waves.reduce((sum, wave) => sum + wave.ready, 0);
}

/** Targets that did not take it. */
export function failedOf(view: RolloutView): number {
  return view.waves.reduce((sum, wave) => sum + wave.failed, 0);
}

/** Targets that have their outcome. */
export function doneOf(wave: WaveView): number {
  return wave.ready + wave.failed + wave.skipped;
}

function msOf(time: Timestamp | undefined): number | undefined {
  return time && timestampMs(time);
}
