// The reduction of events to a view; its invariants V1 to V4 are in rollout-view.ts.

import { type RolloutEvent, RolloutEventType as Type } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { emptyPace, recordOutcomes } from "./pace.ts";
import { MAX_RECENT, type PassedOver } from "../watching/skim.ts";
import { emptyView, emptyWave, msOf, readyOf, type RolloutView, type WaveView, withFailure } from "./rollout-view.ts";

/** Whether an event tells that the turn of a sentinel has begun; what becomes of it is told later. */
function isBeginning(event: RolloutEvent): boolean {
  return event.type === Type.SENTINEL_DEPLOYING || event.type === Type.SENTINEL_REVERTING;
}

/** What becomes of a deploy in flight: of a cancelled rollout, too, while a later one has begun. */
const OUTCOMES: ReadonlySet<Type> = new Set([
  Type.SENTINEL_READY,
  Type.SENTINEL_FAILED,
  Type.SENTINEL_SKIPPED,
  Type.SENTINEL_RECOVERED,
  Type.SENTINEL_REVERTED,
  Type.SENTINEL_REVERT_FAILED,
]);

/** The view after one more event. Another rollout's event begins a new view, unless it is late news (V4). */
export function applyEvent(view: RolloutView, event: RolloutEvent): RolloutView {
  if (event.sequence <= view.sequence) return view;
  const isLate = view.rolloutId !== "" && event.rolloutId !== view.rolloutId && OUTCOMES.has(event.type);
  if (isLate) return { ...view, sequence: event.sequence };
  const current = event.rolloutId === view.rolloutId ? view : { ...emptyView(), rolloutId: event.rolloutId };
  const next = {
    ...current,
    state: event.state,
    waves: wavesAfter(current, event),
    recent: isBeginning(event) ? current.recent : [...current.recent.slice(1 - MAX_RECENT), event],
    sequence: event.sequence,
  };
  return applyKind(next, event);
}

/** The view after events that say no more than their number, and belong to the wave of the event after them. */
export function applyPassedOver(view: RolloutView, event: RolloutEvent, { begun, ready }: PassedOver): RolloutView {
  if (event.sequence <= view.sequence || event.rolloutId !== view.rolloutId) return view;
  const change = (wave: WaveView) => ({ ...wave, deploying: Math.max(0, wave.deploying + begun - ready) });
  const waves = view.waves.map((wave) => (wave.index === event.waveIndex ? change(wave) : wave));
  return { ...view, waves, pace: recordOutcomes(view.pace, msOf(event.time), ready) };
}

function applyKind(view: RolloutView, event: RolloutEvent): RolloutView {
  const at = msOf(event.time);
  switch (event.type) {
    case Type.ROLLOUT_STARTED:
      return { ...view, image: event.image, total: event.total ?? view.total, startedAt: at, endedAt: undefined };
    case Type.SENTINEL_READY:
    case Type.SENTINEL_SKIPPED:
      return { ...view, pace: recordOutcomes(view.pace, at, 1) };
    case Type.SENTINEL_FAILED:
      return withFailure({ ...view, pace: recordOutcomes(view.pace, at, 1) }, event);
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
  const rollback = view.rollback ?? { total: readyOf(view), reverted: 0, failed: 0 };
  switch (event.type) {
    case Type.ROLLBACK_STARTED:
      return { ...view, reason: "", endedAt: undefined, rollback: { total: readyOf(view), reverted: 0, failed: 0 } };
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
function wavesAfter(view: RolloutView, event: RolloutEvent): readonly WaveView[] {
  const index = event.waveIndex;
  if (index === undefined) return view.waves;
  // Waves come in order, and all of them once the plan is known: this is its place, or it is not there.
  const place = view.waves.findIndex((wave) => wave.index >= index);
  const found = view.waves[place];
  if (found?.index === index) return view.waves.with(place, applyToWave(found, event));
  const wave = applyToWave(emptyWave(index), event);
  return place === -1 ? [...view.waves, wave] : view.waves.toSpliced(place, 0, wave);
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
    case Type.SENTINEL_REVERTED:
      return { ...counted, reverted: wave.reverted + 1 };
    default:
      return counted;
  }
}
