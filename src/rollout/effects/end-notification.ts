import { defineEffect } from "../../engine/index.ts";
import { PROGRESS_EVENTS } from "./claim-notification.ts";
import { LOCK_LOG } from "./log.ts";
import { quoted } from "./sentinel-sql.ts";

export interface EndNotificationRow {
  rolloutId: string;
  sequence: number;
  /** Of the try that ends. */
  claim: string;
  /**
   * `sent`: the webhook took it. `untaken`: surely not. `lost`: nobody knows.
   * `refused`: not, and never will. `unusable`: this server cannot send it.
   */
  outcome: "sent" | "untaken" | "lost" | "refused" | "unusable";
  /** For a person, without the URL; empty: it was sent. */
  failure: string;
  /** When to try again, if it is. */
  retryInMs: number;
  /** Age of a message at which a try that fails is its last one. */
  giveUpMs: number;
}

export interface EndNotificationResult {
  /** What became of the message. */
  verdict: "sent" | "retry" | "dropped";
  /** Messages given up: this one, and where the webhook refused it those that waited behind it. */
  dropped: number;
  /** The webhook has just turned out to be dead. */
  died: boolean;
}

/**
 * Ends a try. Null: the claim is not in force any more, and nothing was written
 * (W2). The last message of a rollout that has nothing more to say takes the
 * webhook's URL with it (W6).
 */
export const endNotification = defineEffect<EndNotificationRow, EndNotificationResult>({
  name: "end_notification",
  input: {
    rolloutId: "text",
    sequence: "int8",
    claim: "text",
    outcome: "text",
    failure: "text",
    retryInMs: "float8",
    giveUpMs: "float8",
  },
  output: { verdict: "text", dropped: "int4", died: "bool" },
  prelude: LOCK_LOG,
  record: ({ rolloutId }) => rolloutId,
  sql: `
with held as materialized (
  select input.*, lane.dead, e.type in (${quoted(PROGRESS_EVENTS)}) as progress,
         coalesce(e.time <= statement_timestamp() - input.give_up_ms * interval '1 millisecond', true) as old
    from $input
    join notification_lanes as lane on lane.rollout_id = input.rollout_id and lane.claim = input.claim
    left join lateral (select type, time from rollout_events where sequence = input.sequence offset 0) as e on true
),
judged as materialized (
  select held.*,
         case when outcome = 'sent' or (outcome = 'lost' and progress) then 'sent'
              when outcome in ('refused', 'unusable') or dead or old then 'dropped'
              else 'retry' end as verdict
    from held
),
gone as (
  delete from notifications as n using judged as j
   where n.rollout_id = j.rollout_id
     and (j.outcome = 'refused' or (n.sequence = j.sequence and j.verdict <> 'retry'))
  returning n.rollout_id
),
counted as materialized (
  select j.*, (select count(*)::int from gone where gone.rollout_id = j.rollout_id) as gone,
         (select count(*)::int from notifications as n where n.rollout_id = j.rollout_id) as waited
    from judged as j
),
lane as (
  update notification_lanes as l
     set claim = null, holder = null,
         tries = case when c.verdict = 'retry' then l.tries else 0 end,
         uncertain = c.verdict = 'retry' and (l.uncertain or c.outcome = 'lost'),
         next_try_at = case when c.verdict = 'retry'
                            then statement_timestamp() + c.retry_in_ms * interval '1 millisecond' end,
         dead = case c.outcome when 'sent' then false when 'refused' then true else l.dead end,
         sent = l.sent + (c.verdict = 'sent')::int,
         dropped = l.dropped + case when c.verdict = 'dropped' then c.gone else 0 end,
         last_failure = c.failure,
         last_failure_at = case when c.failure <> '' then statement_timestamp() end
    from counted as c where l.rollout_id = c.rollout_id
),
forgotten as (
  delete from webhooks as h using counted as c
   where h.rollout_id = c.rollout_id and c.gone = c.waited
     and exists (select from rollouts as r where r.id = c.rollout_id
                    and (r.state = 'completed' or exists (select from rollouts as later where later.number > r.number)))
)
select ord, verdict, case when verdict = 'dropped' then gone else 0 end, outcome = 'refused' and not dead from counted`,
});
