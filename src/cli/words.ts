import { SentinelRolloutState as State } from "../gen/hydra/v1/sentinel_rollout_pb.ts";

const STATE_WORDS = new Map<State, string>([
  [State.IDLE, "idle"],
  [State.IN_PROGRESS, "in progress"],
  [State.PAUSED, "paused"],
  [State.CANCELLED, "cancelled"],
  [State.COMPLETED, "completed"],
  [State.ROLLING_BACK, "rolling back"],
]);

/** A state as a person reads it. */
export function stateWord(state: State): string {
  return STATE_WORDS.get(state) ?? "in a state that this version does not know";
}

/** `1 sentinel`, `2 sentinels`, `12,000 sentinels`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** With separators, the same in every locale. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `0.8s`, `4.2s`, `1m05s`, `2h03m`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${pad(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

/** Whole seconds, rounded up: an estimate claims no more. */
export function formatEstimate(durationMs: number): string {
  const seconds = Math.max(1, Math.ceil(durationMs / 1000));
  return seconds < 60 ? `${seconds}s` : formatDuration(seconds * 1000);
}

/** Local time of day, `12:03:04`. */
export function formatTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":");
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
