import type { Birth, Completion, Parking, StopRequest } from "../operations.ts";
import { type Columns, statementOver } from "./columns.ts";
import type { Statement } from "./pipeline.ts";
import { ASKED, takesKey } from "./writes.ts";

// Invocations that are asked to end, or wait for an operator.

interface Key {
  readonly service: string;
  readonly key: string;
}

const KEY_COLUMNS: Columns<Key> = [
  ["text", (row) => row.service],
  ["text", (row) => row.key],
];

const LOCK_KEYS = `
    select from unnest($1::text[], $2::text[]) as c(service, key)
      join engine.keys k on k.service = c.service and k.key = c.key
     order by c.service, c.key for update of k`;

const LOCK_KEYS_OF_QUEUED_TOO = `
    select from (select * from unnest($1::text[], $2::text[]) as c(service, key)
                  union
                 select i.service, i.key from unnest($3::int8[]) as s(id)
                   join engine.invocations i on i.id = s.id and i.status = 'queued') as c
      join engine.keys k on k.service = c.service and k.key = c.key
     order by c.service, c.key for update of k`;

/**
 * Locks the keys that a batch frees, takes or shortens the line of, in one
 * order for all nodes: what births and completions lock one after the other
 * could make a ring of two batches, which costs a second each time. Undefined:
 * one statement locks all.
 */
export function lockKeys(
  births: readonly Birth[],
  completions: readonly Completion[],
  stops: readonly StopRequest[],
): Statement | undefined {
  const taken = births.filter(takesKey);
  const freed = completions.filter((completion) => completion.exclusive);
  const keys = [...taken, ...freed];
  if (stops.length === 0) {
    if (freed.length === 0 || taken.length === 0) return undefined;
    return statementOver("lock_keys", LOCK_KEYS, KEY_COLUMNS, keys);
  }
  const ids = `{${stops.map(({ id }) => id).join(",")}}`;
  return statementOver("lock_keys_of_queued_too", LOCK_KEYS_OF_QUEUED_TOO, KEY_COLUMNS, keys, [ids]);
}

const STOP_COLUMNS: Columns<StopRequest> = [
  ["int8", (row) => row.id],
  ["text", (row) => row.how],
];

/**
 * Takes those that have not begun out of the line for their key, or out of the
 * waiting for their time: whoever claims them ends them, and runs nothing. After
 * `lockKeys`. The rows are locked before their status is judged: it may have
 * changed while this waited.
 */
export function withdraw(stops: readonly StopRequest[]): Statement {
  const text = `
    with target as materialized (
      select i.id, i.service, i.key, i.status, r.how
        from unnest($1::int8[], $2::text[]) as r(id, how) join engine.invocations i on i.id = r.id
       where i.status in ('queued', 'scheduled') for update of i
    ), shorter as (
      update engine.keys k set waiting = k.waiting - t.gone
        from (select service, key, count(*)::int4 as gone from target where status = 'queued'
               group by service, key) as t
       where k.service = t.service and k.key = t.key
    )
    update engine.invocations i
       set status = 'ready', stop_requested = 'kill', pause_requested = false, start_at = null, arrival = 0,
           failure_kind = case t.how when 'cancel' then 'cancelled' end
      from target t where i.id = t.id`;
  return statementOver("withdraw", text, STOP_COLUMNS, stops);
}

/** Notes the request; what has no owner gets one that carries it out. Returns the ids that had not ended. */
export function requestStops(stops: readonly StopRequest[]): Statement {
  const text = `
    update engine.invocations i
       set stop_requested = case when i.stop_requested = 'kill' then 'kill' else r.how end,
           pause_requested = false,
           status = case when i.status in ('parked', 'suspended') then 'ready' else i.status end,
           owner = case when i.status = 'parked' then null else i.owner end
      from unnest($1::int8[], $2::text[]) as r(id, how)
     where i.id = r.id and i.completed_at is null
    returning i.id`;
  return statementOver("request_stops", text, STOP_COLUMNS, stops);
}

/** One request for each invocation; a kill counts. */
export function distinctStops(stops: readonly StopRequest[]): StopRequest[] {
  const byId = new Map<number, StopRequest>();
  for (const stop of stops) if (byId.get(stop.id)?.how !== "kill") byId.set(stop.id, stop);
  return [...byId.values()];
}

/** What was asked since its attempt last heard of anything makes it ready instead: somebody has to carry that out. */
export function park(parkings: readonly Parking[], nodeId: number): Statement {
  const text = `
    update engine.invocations i
       set status = case when ${ASKED} is not distinct from p.asked then 'parked' else 'ready' end, owner = null,
           failure = coalesce(p.failure, i.failure)
      from unnest($1::int8[], $2::text[], $3::text[]) as p(id, failure, asked)
     where i.id = p.id and i.completed_at is null and i.owner = $4::int8`;
  const columns: Columns<Parking> = [
    ["int8", (row) => row.id],
    ["text", (row) => row.failure],
    ["text", (row) => row.asked],
  ];
  return statementOver("park", text, columns, parkings, [String(nodeId)]);
}
