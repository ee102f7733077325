// The log's part of every statement that tells of something.
//
// Every effect of the domain that writes runs under the lock of the one row of
// rollout_log (invariant R3): numbers are handed out in commit order, and what
// an effect has read cannot change before it has written.

/** Prelude of every effect that writes. */
export const LOCK_LOG = "select 1 from rollout_log for update";

/** Epilogue of every effect that moves a position. */
export const TELL_LOG = "select pg_notify('hydra_log', event_sequence || ' ' || change_version) from rollout_log";

type EventColumn =
  | "wave_index"
  | "wave_size"
  | "wave_ready"
  | "wave_failed"
  | "sentinel_id"
  | "image"
  | "reason"
  | "reason_class"
  | "total"
  | "reverted";

interface LogEntries {
  /**
   * Events come from a CTE `event` with `ord`, `step` (order within a row),
   * `rollout_id`, `state`, `type` and these columns.
   */
  readonly events?: readonly EventColumn[];
  /**
   * The events are told to people: `event` also has `notifies` and `total`. How
   * the targets stand is told with them, so the statement must not move it.
   */
  readonly notifies?: boolean;
  /** Changes of desired state come from a CTE `change` with `ord`, `step` and the columns of desired_changes. */
  readonly changes?: boolean;
}

/** CTEs that number events and changes and write them. */
export function writeLog({ events, notifies = false, changes = false }: LogEntries): string {
  const sources = [...(events ? ["event"] : []), ...(changes ? ["change"] : [])];
  const positions = [...(events ? ["event_sequence"] : []), ...(changes ? ["change_version"] : [])];
  const moves = sources.map((source, i) => `${positions[i]} = ${positions[i]} + (select count(*) from ${source})`);
  const bases = sources.map((source, i) => `${positions[i]} - (select count(*) from ${source}) as ${source}_base`);
  const any = sources.map((source) => `exists (select from ${source})`);
  const parts = [
    `log as (
      update rollout_log set ${moves.join(", ")} where singleton and (${any.join(" or ")}) returning ${bases.join(", ")})`,
  ];
  if (events) parts.push(writeEvents(events));
  if (notifies) parts.push(WRITE_NOTIFICATIONS);
  if (changes) parts.push(WRITE_CHANGES);
  return parts.join(",\n");
}

function writeEvents(columns: readonly EventColumn[]): string {
  const names = columns.map((column) => `, ${column}`).join("");
  return `
    numbered_event as materialized (
      select log.event_base + row_number() over (order by event.ord, event.step) as sequence, event.*
        from log cross join event),
    written_event as (
      insert into rollout_events (sequence, time, rollout_id, state, type${names})
      select sequence, statement_timestamp(), rollout_id, state, type${names} from numbered_event)`;
}

const WRITE_NOTIFICATIONS = `
    written_notification as (
      insert into notifications (sequence, rollout_id, total, ready, failed, skipped, reverted)
      select e.sequence, e.rollout_id, coalesce(stands.total, e.total, 0), coalesce(stands.ready, 0),
             coalesce(stands.failed, 0), coalesce(stands.skipped, 0), coalesce(stands.reverted, 0)
        from numbered_event as e
       cross join lateral (
         select sum(w.size)::int as total, sum(w.ready)::int as ready, sum(w.failed)::int as failed,
                sum(w.skipped)::int as skipped, sum(w.reverted)::int as reverted
           from rollout_waves as w where w.rollout_id = e.rollout_id
       ) as stands
       where e.notifies)`;

const WRITE_CHANGES = `
    written_change as (
      insert into desired_changes (version, region_id, sentinel_id, deleted, k8s_namespace, k8s_name)
      select log.change_base + row_number() over (order by change.ord, change.step),
             change.region_id, change.sentinel_id, change.deleted, change.k8s_namespace, change.k8s_name
        from log cross join change)`;
