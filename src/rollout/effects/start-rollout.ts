import { defineEffect } from "../../engine/index.ts";
import { ACTIVE_STATES, type RolloutStateName } from "../phase.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { ONE_ROLLOUT, ROLLOUT_EVENT_COLUMNS } from "./rollout-sql.ts";
import { onImage, quoted } from "./sentinel-sql.ts";

export interface StartRolloutRow {
  rolloutId: string;
  image: string;
  percentages: readonly number[];
  /** Invocation that will drive it. */
  driver: string;
  notifies: boolean;
  /** W3C `traceparent` of its caller; null: in no trace. */
  traceParent: string | null;
  traceState: string;
  /** Name of whoever starts it; empty: nobody said. */
  actor: string;
  /** Sealed URL in base64; null: none of its own. */
  webhook: string | null;
  encrypted: boolean;
}

export interface StartRolloutResult {
  outcome: "started" | "active" | "nothing_to_do";
  /** The rollout in the way, where one is active. */
  activeId: string | null;
  activeState: RolloutStateName | null;
}

/**
 * Admission of Rollout. Starts a rollout unless one is active or every running
 * sentinel is on the image already (R1). The webhook of an earlier rollout that has
 * no message to send ends here (W6).
 */
export const startRollout = defineEffect<StartRolloutRow, StartRolloutResult>({
  name: "start_rollout",
  input: {
    rolloutId: "text",
    image: "text",
    percentages: "json",
    driver: "text",
    notifies: "bool",
    traceParent: "text",
    traceState: "text",
    actor: "text",
    webhook: "text",
    encrypted: "bool",
  },
  output: { outcome: "text", activeId: "text", activeState: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: ONE_ROLLOUT,
  sql: `
with asked as materialized (
  select input.*, active.id as active_id, active.state as active_state, fleet.targets,
         case when active.id is not null then 'active'
              when fleet.running > 0 and fleet.targets = 0 then 'nothing_to_do'
              else 'started' end as outcome
    from $input
    left join lateral (
      select r.id, r.state from rollouts as r where r.state in (${quoted(ACTIVE_STATES)}) limit 1
    ) as active on true
   cross join lateral (
      select count(*) as running, count(*) filter (where not ${onImage("s", "input.image")})::int as targets
        from sentinels as s where s.desired_state = 'running' and active.id is null
    ) as fleet
),
started as (
  insert into rollouts (id, image, wave_percentages, state, driver, notifies, webhook, trace_parent, trace_state, actor)
  select rollout_id, image, array(select json_array_elements_text(percentages)::int), 'in_progress', driver, notifies,
         case when webhook is not null then 'own' when notifies then 'default' end, trace_parent, trace_state, actor
    from asked where outcome = 'started'
  returning id
),
forgotten as (
  delete from webhooks as h using started
   where h.rollout_id <> started.id and not exists (select from notifications as n where n.rollout_id = h.rollout_id)
),
remembered as (
  insert into webhooks (rollout_id, url, encrypted)
  select rollout_id, decode(webhook, 'base64'), encrypted from asked where outcome = 'started' and webhook is not null
),
event as materialized (
  select ord, 0 as step, rollout_id, notifies, 'in_progress' as state, 'rollout_started' as type,
         image, null as reason, targets as total
    from asked where outcome = 'started'
),
${writeLog({ events: ROLLOUT_EVENT_COLUMNS, notifies: true })}
select ord, outcome, active_id, active_state from asked`,
});
