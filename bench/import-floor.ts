import pg from "pg";

// The rows of an import in raw SQL: `copy` into a staging table and one
// insert…select for the sentinels and their agents' outbox, one commit. Nothing
// is compared, and nobody is told.

/** The part of pg's Connection that `copy` needs. */
interface CopyWire {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** Tables of the floor's own, with the indexes and checks of hydra's. */
export async function prepareCopyFloor(databaseUrl: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  await pool.query(`
    create schema floor;
    create table floor.sentinels (like public.sentinels including all) with (fillfactor = 45);
    create table floor.changes (like public.desired_changes including all);
    create table floor.staging (id text, region_id text, k8s_namespace text, k8s_name text, image text,
      workspace_id text, project_id text);`);
  return pool;
}

/** In ms, the text to copy made before. */
export async function copyFloor(pool: pg.Pool, rows: number): Promise<number> {
  const lines = Array.from({ length: rows }, (_, i) =>
    [`f_${i}`, "bench", "sentinels", `f_${i}`, "acme/sentinel:v1", "ws", "project"].join("\t"),
  );
  const text = Buffer.from(`${lines.join("\n")}\n`);
  const client = await pool.connect();
  const startedAt = performance.now();
  await client.query("begin");
  await copyIn(client, "copy floor.staging from stdin", text);
  await client.query(`
    with created as (
      insert into floor.sentinels (id, region_id, k8s_namespace, k8s_name, image, workspace_id, project_id)
      select * from floor.staging returning id, region_id)
    insert into floor.changes (version, region_id, sentinel_id) select row_number() over (), region_id, id from created`);
  await client.query("commit");
  const ms = performance.now() - startedAt;
  client.release();
  return ms;
}

/** `pg` has the messages of `copy`, and no call for it: handed to `client.query`, which calls the handlers. */
async function copyIn(client: pg.PoolClient, statement: string, text: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const copy = {
    submit: (wire: CopyWire) => wire.query(statement),
    handleCopyInResponse(wire: CopyWire) {
      wire.sendCopyFromChunk(text);
      wire.endCopyFrom();
    },
    handleCommandComplete() {},
    handleReadyForQuery: resolve,
    handleError: reject,
  };
  client.query(copy as unknown as pg.Submittable);
  await promise;
}
