import type pg from "pg";
import { crashPoint } from "../crash-points.ts";
import type { WriterConnection } from "./connection.ts";

// Nodes in the database: who is there, who is dead, and the take-over of what
// the dead held (invariant E2).
//
//   N1. A node holds an advisory lock from the statement that registers it on,
//       with the connection that writes its batches. The lock is free: that
//       connection is gone, and nothing of it can be written any more.
//   N2. A node that has the lock but has not shown itself for the lease may be
//       stopped in mid-write. Who takes over waits for its row, then ends the
//       connection that holds it; not where all that it waits for is a synchronous
//       replica: ended, its batch would be seen by all before the replica has it (E1).
//   N3. A fenced node stays in the table, so that its own successor can read
//       which batch was its last.
//   N4. After a failover to a replica that lagged a node's row may be missing, and
//       its id be another node's: a successor names the time of its start, too.

const LOCK_CLASS = 7_240_115;
/** A batch takes a tenth of that; one whose node was silent for the lease is worth no longer a wait. */
const LOCK_WAIT_MS = 250;
/** After five seconds it is for the caller to say whether to go on. */
const MOST_WAITS = 20;
const FENCED_KEPT_HOURS = 24;
const LOCK_NOT_AVAILABLE = "55P03";

/** A node as its own successor knows it. */
export interface Registered {
  readonly id: number;
  /** Seconds since 1970 by the database's clock, as Postgres writes them. */
  readonly startedAt: string;
  /** Of the connection that registered it. */
  readonly backendPid: number;
}

/** Registers a node on the connection that will write its batches. `handlers`: what it can run, as service/handler. */
export async function registerNode(connection: WriterConnection, handlers: readonly string[]): Promise<Registered> {
  crashPoint("node:before");
  const [row] = await connection.query<{ id: string; started_at: string; backend_pid: number }>(
    `with node as (insert into engine.nodes (backend_pid, handlers) values (pg_backend_pid(), $2::text[])
                   returning id, started_at, backend_pid),
          beat as (insert into engine.heartbeats (node_id) select id from node)
     select id, backend_pid, extract(epoch from started_at)::text as started_at,
            pg_advisory_lock($1::int4, id::int4)
       from node`,
    [LOCK_CLASS, handlers],
  );
  crashPoint("node:registered");
  if (!row) throw new Error("a node could not be registered");
  return { id: Number(row.id), startedAt: row.started_at, backendPid: row.backend_pid };
}

/**
 * Shows that the node is there; fails where that takes longer than `timeoutMs`. Returns the database's time in
 * milliseconds since 1970; undefined: it was fenced off.
 */
export async function beat(pool: pg.Pool, nodeId: number, timeoutMs: number): Promise<number | undefined> {
  crashPoint("heartbeat:before");
  const { rows } = await pool.query<{ now: string }>({
    text: `update engine.heartbeats set beat_at = clock_timestamp() where node_id = $1::int8
           returning extract(epoch from clock_timestamp()) * 1000 as now`,
    values: [nodeId],
    query_timeout: timeoutMs,
  } as pg.QueryConfig);
  crashPoint("heartbeat:written");
  return rows[0] && Number(rows[0].now);
}

/** Whether the server works on what this connection asked; not where it waits for the connection, or has none such. */
export async function isWriterAtWork(pool: pg.Pool, backendPid: number): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_stat_activity
      where pid = $1 and wait_event is distinct from 'ClientRead' and wait_event is distinct from 'ClientWrite'`,
    [backendPid],
  );
  return rows.length > 0;
}

/** Nodes that have died without a word, or were silent for the lease. */
export async function findDeadNodes(pool: pg.Pool, nodeId: number, leaseMs: number): Promise<number[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select n.id from engine.nodes n
       left join engine.heartbeats h on h.node_id = n.id
      where n.fenced_at is null and n.id <> $1::int8
        and (coalesce(h.beat_at, n.started_at) < clock_timestamp() - $2::float8 * interval '1 millisecond'
             or not exists (select from pg_locks l where ${lockOf("n.id")}))`,
    [nodeId, leaseMs],
  );
  return rows.map((row) => Number(row.id));
}

/** What is known of a node that was taken over. */
export interface Fenced {
  /** Number of the last batch that it committed; 0 where the database does not know the node. */
  readonly lastBatch: number;
  /** Invocations that wait for a new owner now. */
  readonly released: number;
}

/**
 * Fences a node off and makes ready all it held; may be called by many at once
 * and repeated. Waits for a batch in flight, and ends one that does not end; fails
 * where that does not help. `startedAt` undefined: whichever node has the id now.
 */
export async function takeOver(pool: pg.Pool, nodeId: number, startedAt?: string): Promise<Fenced> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    for (let waits = 0; waits < MOST_WAITS; waits++) {
      const fenced = await fence(client, nodeId, startedAt);
      if (fenced) return fenced;
      await endWriter(client, nodeId);
    }
    throw new Error(`what node ${nodeId} was writing does not end: does a synchronous replica answer?`);
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Undefined: a batch of the node held its row for too long. */
async function fence(client: pg.PoolClient, nodeId: number, startedAt?: string): Promise<Fenced | undefined> {
  crashPoint("takeover:before");
  await client.query("begin");
  try {
    await client.query(`set local lock_timeout = ${LOCK_WAIT_MS}`);
    const { rows } = await client.query<{ batch: string }>(
      `update engine.nodes set fenced_at = coalesce(fenced_at, now())
        where id = $1::int8 and ($2::text is null or extract(epoch from started_at)::text = $2) returning batch`,
      [nodeId, startedAt],
    );
    crashPoint("takeover:fenced");
    const [row] = rows;
    const released = row ? await release(client, nodeId) : 0;
    crashPoint("takeover:released");
    if (row) await client.query("delete from engine.heartbeats where node_id = $1::int8", [nodeId]);
    await client.query("select pg_notify('engine', 'r')");
    await client.query("commit");
    crashPoint("takeover:committed");
    return { lastBatch: Number(row?.batch ?? 0), released };
  } catch (error) {
    // Otherwise the connection is dropped.
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    await client.query("rollback");
    return undefined;
  }
}

async function endWriter(client: pg.PoolClient, nodeId: number): Promise<void> {
  await client.query(
    `select pg_terminate_backend(l.pid) from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where a.wait_event is distinct from 'SyncRep' and ${lockOf("$1::int8")}`,
    [nodeId],
  );
}

async function release(client: pg.PoolClient, nodeId: number): Promise<number> {
  const { rowCount } = await client.query(
    "update engine.invocations set status = 'ready', owner = null where status = 'running' and owner = $1::int8",
    [nodeId],
  );
  return rowCount ?? 0;
}

/** Forgets nodes that were fenced off long ago. */
export async function forgetNodes(pool: pg.Pool): Promise<void> {
  await pool.query(
    `delete from engine.nodes n where n.fenced_at < now() - interval '${FENCED_KEPT_HOURS} hours'
        and not exists (select from pg_locks l where ${lockOf("n.id")})`,
  );
  crashPoint("retention:nodes-forgotten");
}

function lockOf(nodeId: string): string {
  return `l.locktype = 'advisory' and l.granted and l.classid = ${LOCK_CLASS} and l.objid = (${nodeId})::int4::oid
          and l.database = (select oid from pg_database where datname = current_database())`;
}
