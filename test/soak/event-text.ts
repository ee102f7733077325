import {
  type RolloutEvent,
  type SentinelRolloutState,
  RolloutEventTypeSchema,
  SentinelRolloutStateSchema,
} from "../../src/client/index.ts";

// One event in words that are the same whether a Watch delivered it or the table has it.

/** As `rollout_events` has it, `sequence` as text. */
export interface EventRow {
  readonly sequence: string;
  readonly rollout_id: string;
  readonly state: string;
  readonly type: string;
  readonly wave_index: number | null;
  readonly wave_ready: number | null;
  readonly wave_failed: number | null;
  readonly sentinel_id: string | null;
  readonly image: string | null;
  readonly reason: string | null;
}

export const EVENT_COLUMNS =
  "sequence::text, rollout_id, state, type, wave_index, wave_ready, wave_failed, sentinel_id, image, reason";

export function textOfRow(row: EventRow): string {
  const { sequence, rollout_id, state, type, wave_index, wave_ready, wave_failed, sentinel_id, image, reason } = row;
  return join([sequence, rollout_id, state, type, wave_index, wave_ready, wave_failed, sentinel_id, image, reason]);
}

export function textOfEvent(event: RolloutEvent): string {
  const { sequence, rolloutId, waveIndex, waveReady, waveFailed, sentinelId, image, reason } = event;
  const state = stateName(event.state);
  const type = RolloutEventTypeSchema.value[event.type]?.localName.toLowerCase();
  return join([sequence, rolloutId, state, type, waveIndex, waveReady, waveFailed, sentinelId, image, reason]);
}

/** As the table `rollouts` has it. */
export function stateName(state: SentinelRolloutState): string {
  return SentinelRolloutStateSchema.value[state]?.localName.toLowerCase() ?? String(state);
}

function join(parts: readonly unknown[]): string {
  return parts.map((part) => String(part ?? "")).join(" | ");
}
