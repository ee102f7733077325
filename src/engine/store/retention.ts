import type pg from "pg";
import { crashPoint } from "../crash-points.ts";
import { lastIdOfBlock } from "./ids.ts";

const PAGE = 1_000;

/**
 * Deletes completed invocations, with all that belongs to them, `retentionMs`
 * after their end; in small transactions, which hold up no batch. One is kept
 * as long as the invocation that called it is open: its outcome is part of
 * that one's journal. Returns how many were deleted.
 */
export async function deleteExpired(pool: pg.Pool, retentionMs: number, signal: AbortSignal): Promise<number> {
  let deleted = 0;
  let after = "-1";
  while (!signal.aborted) {
    crashPoint("retention:before");
    const { rows } = await pool.query<{ last: string | null; deleted: string; old: boolean }>(
      `with page as materialized (
         select i.id, i.parent_id, i.created_at, i.completed_at, i.service, i.key, i.handler, i.idempotency_key
           from engine.invocations i
          where i.id > $1::int8 order by i.id limit ${PAGE}
       ), expired as (
         delete from engine.invocations i using page p
          where i.id = p.id and p.completed_at < now() - $2::float8 * interval '1 millisecond'
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
              exists (select from page where created_at < now() - $2::float8 * interval '1 millisecond') as old`,
      [after, retentionMs],
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
