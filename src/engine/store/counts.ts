import type pg from "pg";
import type { OpenInvocations } from "../api.ts";

/** Each status has a partial index: what has ended is not read. */
export const COUNT_OPEN_INVOCATIONS = `
  select starting.*,
         (select count(*) from engine.invocations where status = 'queued') as queued,
         (select count(*) from engine.invocations where status = 'ready') as ready,
         (select count(*) from engine.invocations where status = 'running') as running,
         (select count(*) from engine.invocations where status = 'parked') as parked
    from (select count(*) filter (where status = 'scheduled') as scheduled,
                 count(*) filter (where status = 'suspended') as suspended
            from engine.invocations where status in ('scheduled', 'suspended')) as starting`;

/** Counts the invocations that have not ended. */
export async function countOpenInvocations(pool: pg.Pool): Promise<OpenInvocations> {
  const { rows } = await pool.query<Record<keyof OpenInvocations, string>>(COUNT_OPEN_INVOCATIONS);
  const [row] = rows;
  return {
    scheduled: Number(row?.scheduled),
    queued: Number(row?.queued),
    ready: Number(row?.ready),
    running: Number(row?.running),
    suspended: Number(row?.suspended),
    parked: Number(row?.parked),
  };
}
