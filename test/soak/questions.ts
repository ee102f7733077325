import type { Question } from "../engine/crash/breaches.ts";
import { FIRST_IMAGE } from "./fleet.ts";

// What must hold in the tables whenever nothing is under way. Each question answers with the rows that break it.

/** The newest rollout only: those before it were asked when they were the newest, and do not change any more. */
const NEWEST = "(select id from rollouts order by number desc limit 1)";

/** Events of each target of the newest rollout, counted by type. */
const TOLD = `
select t.sentinel_id, t.status, t.reverting,
       count(*) filter (where e.type = 'sentinel_deploying') as deploying,
       count(*) filter (where e.type in ('sentinel_ready', 'sentinel_failed', 'sentinel_skipped')) as outcomes,
       count(*) filter (where e.type = 'sentinel_ready') as ready,
       count(*) filter (where e.type = 'sentinel_failed') as failed,
       count(*) filter (where e.type = 'sentinel_skipped') as skipped,
       count(*) filter (where e.type = 'sentinel_recovered') as recovered,
       count(*) filter (where e.type = 'sentinel_reverted') as reverted
  from rollout_targets t
  left join rollout_events e on e.rollout_id = t.rollout_id and e.sentinel_id = t.sentinel_id
 where t.rollout_id = ${NEWEST} group by t.sentinel_id, t.status, t.reverting`;

export const SOAK_QUESTIONS: readonly Question[] = [
  {
    sentence: "an invocation is left",
    sql: "select id || ' ' || handler || ' ' || status from engine.invocations where completed_at is null",
  },
  { sentence: "a key is left held", sql: "select key from engine.keys" },
  { sentence: "a timer is left", sql: "select invocation_id from engine.timers" },
  {
    sentence: "events have a gap, or another end than the log says",
    sql: `select n.numbers from (select count(*) || ' events up to ' || coalesce(max(sequence), 0) as numbers,
                                        count(*) as count, coalesce(max(sequence), 0) as last from rollout_events) n, rollout_log l
           where n.count <> n.last or n.last <> l.event_sequence`,
  },
  {
    sentence: "a target has not exactly the outcome that its events tell",
    sql: `select sentinel_id || ' ' || status from (${TOLD}) told
           where deploying > 1 or recovered > failed
              or outcomes <> (status not in ('pending', 'deploying'))::int
              or (status in ('ready', 'reverted')) <> (ready + recovered = 1)
              or (status = 'failed') <> (failed = 1 and recovered = 0)
              or (status = 'skipped') <> (skipped = 1)
              or (status = 'reverted') <> (reverted = 1)`,
  },
  {
    sentence: "a target is in flight",
    sql: `select sentinel_id from rollout_targets where rollout_id = ${NEWEST} and (status = 'deploying' or reverting)`,
  },
  {
    sentence: "a completed rollout has passed a target over",
    sql: `select t.sentinel_id from rollout_targets t join rollouts r on r.id = t.rollout_id
           where r.id = ${NEWEST} and r.state = 'completed' and t.status = 'pending'`,
  },
  {
    sentence: "a wave counts other than its targets",
    sql: `select w.wave_index from rollout_waves w
           cross join lateral (select count(*) filter (where status = 'ready') as ready,
                                      count(*) filter (where status = 'failed') as failed,
                                      count(*) filter (where status = 'skipped') as skipped,
                                      count(*) filter (where status = 'reverted') as reverted
                                 from rollout_targets t where t.rollout_id = w.rollout_id
                                  and t.target >= w.first_target and t.target < w.first_target + w.size) n
           where w.rollout_id = ${NEWEST}
             and (w.in_flight, w.ready, w.failed, w.skipped, w.reverted) <> (0, n.ready, n.failed, n.skipped, n.reverted)`,
  },
  {
    sentence: "a sentinel has another image than the rollout says",
    sql: `select s.id || ' ' || t.status || ' ' || s.image || ' runs ' || s.running_image
            from rollout_targets t join rollouts r on r.id = t.rollout_id join sentinels s on s.id = t.sentinel_id
           where r.id = ${NEWEST} and case t.status
             when 'ready' then (s.image, s.running_image) <> (r.image, r.image)
                                and not exists (select from rollout_events where rollout_id = r.id and type = 'rollback_started')
             when 'failed' then s.image <> r.image
             when 'reverted' then (s.image, s.running_image) <> (t.previous_image, t.previous_image)
             else false end`,
  },
  {
    sentence: "a deploy failed without a cause",
    sql: `select sentinel_id || ': ' || coalesce(reason_class, '') || ' ' || coalesce(reason, '') from rollout_events
           where rollout_id = ${NEWEST} and type in ('sentinel_failed', 'sentinel_revert_failed')
             and coalesce(reason_class, '') not in ('image_pull', 'superseded')`,
  },
  {
    // memory_mib is the number of edits (edits.ts), each of which changes what is desired once.
    sentence: "a deploy was done twice, or not at all",
    sql: `select s.id || ': generation ' || s.generation || ', deploy ' || s.deploy_number
            from sentinels s
            left join (select sentinel_id, count(*) as deploys, count(*) filter (where image <> before) as changes
                         from (select sentinel_id, image, lag(image, 1, '${FIRST_IMAGE}')
                                        over (partition by sentinel_id order by sequence) as before
                                 from rollout_events where type in ('sentinel_deploying', 'sentinel_reverting')) step
                        group by sentinel_id) told on told.sentinel_id = s.id
           where s.generation <> 1 + coalesce(told.changes, 0) + s.memory_mib
              or s.deploy_number not between coalesce(told.deploys, 0) and coalesce(told.deploys, 0) + s.memory_mib`,
  },
  {
    sentence: "the last event tells another state than the rollout's",
    sql: `select r.state || ', told ' || e.state from rollouts r
           cross join lateral (select state from rollout_events where rollout_id = r.id order by sequence desc limit 1) e
           where r.id = ${NEWEST} and e.state <> r.state`,
  },
];
