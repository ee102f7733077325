import { defineEffect, type Effect, type EffectAction } from "../../engine/index.ts";
import { type FoundRollout, LEGAL_STATES, type RolloutOperation, type RolloutStateName } from "../phase.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { ONE_ROLLOUT, ROLLOUT_EVENT_COLUMNS, totalTargets } from "./rollout-sql.ts";
import { quoted } from "./sentinel-sql.ts";

export interface OperateRolloutRow {
  /** The rollout that the caller means; null: the latest. */
  expectedId: string | null;
  /** Invocation that operates. */
  invocation: string;
}

export interface OperateRolloutResult {
  done: boolean;
  /** The latest rollout as it was found. */
  id: string;
  state: RolloutStateName;
  driver: string;
}

interface Move {
  readonly operation: RolloutOperation;
  readonly to: RolloutStateName;
  readonly event: string;
  /** The operating invocation becomes the driver. */
  readonly drives: boolean;
  readonly actions?: (row: OperateRolloutRow, result: OperateRolloutResult) => readonly EffectAction[];
}

/** Admission of Resume: paused to in progress. */
export const resumeRollout = move({
  operation: "resume",
  to: "in_progress",
  event: "rollout_resumed",
  drives: true,
});

/** Admission of Cancel: all of it. Its driver learns of it in the same commit. */
export const cancelRollout = move({
  operation: "cancel",
  to: "cancelled",
  event: "rollout_cancelled",
  drives: false,
  actions: (_row, { done, state, driver }) =>
    done && state === "in_progress" ? [{ kind: "cancel", invocationId: driver }] : [],
});

/** Admission of RollbackAll. */
export const startRollback = move({
  operation: "rollback",
  to: "rolling_back",
  event: "rollback_started",
  drives: true,
});

/** What the result of a move says of the latest rollout; the result of no row: there never was one. */
export function foundRollout(result: OperateRolloutResult | null): FoundRollout | undefined {
  return result ? { id: result.id, state: result.state } : undefined;
}

/** An effect that moves the latest rollout where that is legal (R1), and otherwise writes nothing. */
function move({ operation, to, event, drives, actions }: Move): Effect<OperateRolloutRow, OperateRolloutResult> {
  const ends = to === "cancelled";
  return defineEffect<OperateRolloutRow, OperateRolloutResult>({
    name: `${operation}_rollout`,
    input: { expectedId: "text", invocation: "text" },
    output: { done: "bool", id: "text", state: "text", driver: "text" },
    prelude: LOCK_LOG,
    epilogue: TELL_LOG,
    record: ONE_ROLLOUT,
    ...(actions && { actions }),
    sql: `
with found as materialized (
  select input.ord, input.invocation, r.id, r.image, r.state, r.driver, r.notifies,
         coalesce(input.expected_id, r.id) = r.id and r.state in (${quoted(LEGAL_STATES[operation])}) as done
    from $input
   cross join lateral (select id, image, state, driver, notifies from rollouts order by number desc limit 1) as r
),
moved as (
  update rollouts as r
     set state = '${to}', reason = '', updated_at = statement_timestamp(),
         ended_at = ${ends ? "statement_timestamp()" : "null"}${drives ? ", driver = found.invocation" : ""}
    from found where r.id = found.id and found.done
  returning found.ord, r.id, r.image, r.notifies
),
left_wave as (
  update rollout_waves as w set completed_at = statement_timestamp()
    from moved where ${ends} and w.rollout_id = moved.id and w.started_at is not null and w.completed_at is null
),
event as materialized (
  select ord, 0 as step, id as rollout_id, notifies, '${to}' as state, '${event}' as type,
         image, null as reason, ${totalTargets("moved.id")} as total
    from moved
),
${writeLog({ events: ROLLOUT_EVENT_COLUMNS, notifies: true })}
select ord, done, id, state, driver from found`,
  });
}
