import type pg from "pg";

// The rows of a database, as JSON: taken from one, put into another whose tables may have fewer columns.

export type Contents = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** What a process that is killed leaves; the rest is empty, or of no use to others. */
const TABLES = [
  "engine.shared",
  "engine.nodes",
  "engine.heartbeats",
  "engine.invocations",
  "engine.keys",
  "engine.journal",
  "engine.timers",
  "public.rollout_log",
  "public.sentinels",
  "public.desired_changes",
  "public.rollouts",
  "public.rollout_waves",
  "public.rollout_targets",
  "public.rollout_events",
];

/** As of one moment. */
export async function takeContents(pool: pg.Pool): Promise<Contents> {
  const client = await pool.connect();
  try {
    await client.query("begin isolation level repeatable read");
    const contents: Record<string, Record<string, unknown>[]> = {};
    for (const table of TABLES) {
      const { rows } = await client.query<{ row: Record<string, unknown> }>(
        `select to_jsonb(t) as row from ${table} t order by t`,
      );
      contents[table] = rows.map(({ row }) => row);
    }
    await client.query("rollback");
    return contents;
  } finally {
    client.release();
  }
}

/** Columns that a table does not have are left out. Time has stood still meanwhile: what was to come is still to come. */
export async function putContents(pool: pg.Pool, contents: Contents): Promise<void> {
  await pool.query("delete from engine.shared");
  await pool.query("delete from rollout_log");
  for (const [table, rows] of Object.entries(contents)) {
    const columns = await columnsOf(pool, table, rows);
    await pool.query(
      `insert into ${table} (${columns}) overriding system value select ${columns} from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(rows)],
    );
  }
  // Its process is gone, and no process here may be taken for it.
  await pool.query("update engine.nodes set backend_pid = 0");
  await pool.query("update engine.timers set fire_at = now() + interval '1 hour'");
  await pool.query("select setval(pg_get_serial_sequence('engine.nodes', 'id'), (select max(id) from engine.nodes))");
  await pool.query("select setval(pg_get_serial_sequence('rollouts', 'number'), (select max(number) from rollouts))");
  await pool.query("select setval('engine.arrivals', (select max(arrival) from engine.invocations))");
}

async function columnsOf(pool: pg.Pool, table: string, rows: Contents[string]): Promise<string> {
  const { rows: found } = await pool.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname = any($2)`,
    [table, Object.keys(rows[0] ?? {})],
  );
  return found.map(({ name }) => name).join(", ");
}
