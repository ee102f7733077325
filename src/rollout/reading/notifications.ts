import { nodeIsOver } from "../../engine/index.ts";
import { type Database, rowsOf } from "./database.ts";

/** A rollout whose next message may be sent now. */
export interface DueLane {
  readonly rolloutId: string;
  /** The message whose turn it is. */
  readonly sequence: number;
  /** Its webhook; unset: the server's default. */
  readonly webhook: { readonly bytes: Buffer; readonly encrypted: boolean } | undefined;
  /** It had a webhook of its own, and that is gone. */
  readonly webhookIsGone: boolean;
  /** The message is so old that a try that fails is its last one. */
  readonly overdue: boolean;
}

export interface DueLanePage {
  readonly limit: number;
  /** Age at which a message is overdue, in milliseconds. */
  readonly giveUpMs: number;
  /** Only this rollout. */
  readonly rolloutId?: string;
}

interface DueLaneRow {
  rollout_id: string;
  sequence: string;
  url: Buffer | null;
  encrypted: boolean | null;
  webhook: string | null;
  overdue: boolean;
}

/** Rollouts with a message that nobody is sending and whose time has come, the latest rollout first. */
export async function readDueLanes(database: Database, page: DueLanePage): Promise<DueLane[]> {
  const rows = await rowsOf<DueLaneRow>(
    database,
    `select head.rollout_id, head.sequence, h.url, h.encrypted, r.webhook,
            coalesce(e.time <= now() - $3::float8 * interval '1 millisecond', true) as overdue
       from (select n.rollout_id, min(n.sequence) as sequence from notifications as n
              where $1::text is null or n.rollout_id = $1::text group by n.rollout_id) as head
       join rollouts as r on r.id = head.rollout_id
       left join rollout_events as e on e.sequence = head.sequence
       left join webhooks as h on h.rollout_id = head.rollout_id
       left join notification_lanes as l on l.rollout_id = head.rollout_id
      where (l.holder is null or ${nodeIsOver("l.holder")}) and (l.next_try_at is null or l.next_try_at <= now())
      order by r.number desc limit $2::int`,
    [page.rolloutId ?? null, page.limit, page.giveUpMs],
  );
  return rows.map((row) => ({
    rolloutId: row.rollout_id,
    sequence: Number(row.sequence),
    webhook: row.url === null ? undefined : { bytes: row.url, encrypted: row.encrypted === true },
    webhookIsGone: row.url === null && row.webhook === "own",
    overdue: row.overdue,
  }));
}
