import { defineEffect, nodeIsOver, THIS_NODE } from "../../engine/index.ts";
import { LOCK_LOG } from "./log.ts";
import { quoted } from "./sentinel-sql.ts";

/** Events of which a message is worth nothing later: it is never repeated (W3). */
export const PROGRESS_EVENTS = ["wave_started", "wave_completed"] as const;

export interface ClaimNotificationRow {
  rolloutId: string;
  /** The message that the sender takes to be the next one. */
  sequence: number;
  /** Names this try; unique. */
  claim: string;
}

export interface ClaimNotificationResult {
  /**
   * `send`: the try has begun. `repeat`: it has, and the webhook may have the
   * message already. `counted`: it may have it, and a message of its kind is not
   * repeated; it counts as sent, and no try has begun.
   */
  outcome: "send" | "repeat" | "counted";
  /** Tries of this message so far, this one included. */
  tries: number;
}

/**
 * Begins a try to send a rollout's next message (W1, W2). Null: it is not the
 * next one any more, somebody else has it, or its time has not come.
 */
export const claimNotification = defineEffect<ClaimNotificationRow, ClaimNotificationResult>({
  name: "claim_notification",
  input: { rolloutId: "text", sequence: "int8", claim: "text" },
  output: { outcome: "text", tries: "int4" },
  prelude: LOCK_LOG,
  record: ({ rolloutId }) => rolloutId,
  sql: `
with found as materialized (
  select input.*, head.sequence as head, lane.holder, lane.next_try_at, coalesce(lane.tries, 0) as tries_before,
         coalesce(lane.uncertain or lane.holder is not null, false) as uncertain,
         coalesce((select e.type in (${quoted(PROGRESS_EVENTS)}) from rollout_events as e
                    where e.sequence = head.sequence), false) as progress
    from $input
   cross join lateral (
     select n.sequence from notifications as n where n.rollout_id = input.rollout_id order by n.sequence limit 1
   ) as head
    left join notification_lanes as lane on lane.rollout_id = input.rollout_id
),
judged as materialized (
  select found.*, case when progress and uncertain then 'counted' when uncertain then 'repeat' else 'send' end as outcome
    from found
   where head = sequence and (holder is null or ${nodeIsOver("found.holder")})
     and (next_try_at is null or next_try_at <= statement_timestamp())
),
counted as (
  delete from notifications as n using judged as j
   where j.outcome = 'counted' and n.sequence = j.sequence
),
lane as (
  insert into notification_lanes as l (rollout_id, claim, holder, tries, uncertain, sent)
  select rollout_id, case when outcome <> 'counted' then claim end,
         case when outcome <> 'counted' then ${THIS_NODE} end,
         case when outcome = 'counted' then 0 else tries_before + 1 end,
         outcome = 'repeat', (outcome = 'counted')::int
    from judged
  on conflict (rollout_id) do update
     set claim = excluded.claim, holder = excluded.holder, tries = excluded.tries, uncertain = excluded.uncertain,
         sent = l.sent + excluded.sent, next_try_at = null
)
select ord, outcome, case when outcome = 'counted' then tries_before else tries_before + 1 end from judged`,
});
