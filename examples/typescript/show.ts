import {
  type Rollout,
  RolloutEventType as Type,
  SentinelRolloutState as State,
  type WatchResponse,
} from "@hydra-rollout/hydra/client";

/** Prints what a response tells, and notes the state of the rollout that it tells of. */
export function show({ message }: WatchResponse, states: Map<string, State>): void {
  if (message.case === "snapshot" && message.value.rollout?.id) showRollout(message.value.rollout, states);
  if (message.case !== "event") return;
  const {
    rolloutId,
    state,
    type,
    image,
    sentinelId,
    reason,
    waveIndex = 0,
    waveSize,
    waveReady,
    waveFailed,
  } = message.value;
  states.set(rolloutId, state);
  switch (type) {
    case Type.WAVE_STARTED:
      return console.log(`wave ${waveIndex + 1} started: ${waveSize} to deploy`);
    case Type.WAVE_COMPLETED:
      return console.log(`wave ${waveIndex + 1} completed: ${waveReady} ready, ${waveFailed} failed`);
    case Type.SENTINEL_FAILED:
      return console.log(`${sentinelId} failed: ${reason}`);
    case Type.ROLLOUT_STARTED:
    case Type.ROLLOUT_PAUSED:
    case Type.ROLLOUT_RESUMED:
    case Type.ROLLOUT_CANCELLED:
    case Type.ROLLOUT_COMPLETED:
      return console.log(`rollout ${rolloutId} of ${image} is ${word(state)}`);
  }
}

/** Prints how a rollout stands, and notes its state. */
export function showRollout({ id, state, ready, total, failed }: Rollout, states: Map<string, State>): void {
  states.set(id, state);
  console.log(`rollout ${id} is ${word(state)}: ${ready} of ${total} ready, ${failed} failed`);
}

/** A state as people write it: `in progress`. */
function word(state: State): string {
  const name = Object.entries(State).find(([, value]) => value === state)?.[0] ?? String(state);
  return name.toLowerCase().replaceAll("_", " ");
}
