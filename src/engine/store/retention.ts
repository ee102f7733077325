import type pg from "pg";
import { crashPoint } from "../crash-points.ts";
import { SERVED } from "./claimable.ts";
import { lastIdOfBlock } from "./ids.ts";

const PAGE = 1_000;

/** How long ended invocations are kept, in milliseconds. */
export interface Retention {
  /** Of handlers that no node has any more. */
  readonly defaultMs: number;
  /** Of each handler that this node has, by service/handler. */
  readonly byHandler: ReadonlyMap<string, number>;
}

/**
 * Deletes completed invocations, with all that belongs to them, some time after
 * their end; in small transactions, which hold up no batch. One is kept as long
 * as the invocation that called it is open: its outcome is part of that one's
 * journal. Those of handlers that only others have are left to them. Returns
 * how many were deleted.
 */
export async function deleteExpired(
  pool: pg.Pool,
  { defaultMs, byHandler }: Retention,
  signal: AbortSignal,
): Promise<number> {
  const shortestMs = shortestRetentionMs({ defaultMs, byHandler });
  let deleted = 0;
  let after = "-1";
  while (!signal.aborted) {
    crashPoint("retention:before");
    const { rows } = await pool.query<{ last: string | null; deleted: string; old: boolean }>(
      `with page as materialized (
         select i.id, i.parent_id, i.created_at, i.completed_at, i.service, i.key, i.handler, i.idempotency_key,
                k.ms as kept_ms
           from engine.invocations i
           left join unnest($3::text[], $4::float8[]) as k(handler, ms) on k.handler = i.service || '/' || i.handler
          where i.id > $1::int8 order by i.id limit ${PAGE}
       ), expired as (
         delete from engine.invocations i using page p
          where i.id = p.id and p.completed_at < now() - coalesce(p.kept_ms, $2::float8) * interval '1 millisecond'
            and (p.kept_ms is not null or not ${SERVED})
            and not exists (select from engine.invocations parent
                             where parent.id = p.parent_id and parent.completed_at is null)
         returning i.id, i.service, i.key, i.handler, i.idempotency_key
       ), entries as (
         delete from engine.journal j using expired e where j.invocation_id = e.id
       ), keys as (
         delete from engine.idempotency k using expired e
          where e.idempotency_key is not null and k.service = e.service and k.key = e.key
            and k.handler = e.handler and k.idempotency_key = e.idempotency_key and k.invocation_id = e.id
       )
       select (select max(id) from page) as last, (select count(*) from expired) as deleted,
              exists (select from page where created_at < now() - $5::float8 * interval '1 millisecond') as old`,
      [after, defaultMs, [...byHandler.keys()], [...byHandler.values()], shortestMs],
    );
    crashPoint("retention:page-deleted");
    const [row] = rows;
    deleted += Number(row?.deleted ?? 0);
    if (row?.last == null) break;
    // Ids of a block are in the order of time: after a page without an old one nothing in the block is old.
    after = row.old ? row.last : String(lastIdOfBlock(Number(row.last)));
  }
  return deleted;
}

export function shortestRetentionMs({ defaultMs, byHandler }: Retention): number {
  return Math.min(defaultMs, ...byHandler.values());
}
