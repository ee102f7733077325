import pg from "pg";

// The same rollout in raw SQL, without an engine: no journal, no recovery. They
// say what the database alone can do on this machine in this minute.

/** Tables of the floors' own, shaped like hydra's, filled with `size` sentinels. */
export async function prepareFloors(databaseUrl: string, size: number): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  await pool.query(`
    drop schema if exists floor cascade;
    create schema floor;
    create table floor.sentinels (like public.sentinels including defaults including storage, primary key (id))
      with (fillfactor = 70);
    create table floor.events (sequence bigint generated always as identity primary key, sentinel_id text not null,
      type text not null, time timestamptz not null default now());
    create table floor.changes (version bigint generated always as identity primary key, sentinel_id text not null);
    create table floor.targets (rollout_id text, target integer, sentinel_id text not null, status text not null,
      previous_image text not null default '', primary key (rollout_id, target)) with (fillfactor = 70);`);
  await pool.query(
    `insert into floor.sentinels (id, region_id, k8s_namespace, k8s_name, image, running_image)
     select 'snt_' || lpad(i::text, 6, '0'), 'dev', 'ns', 'n' || i, 'old', 'old' from generate_series(1, $1::int4) i`,
    [size],
  );
  await pool.query("vacuum analyze floor.sentinels");
  return pool;
}

const BEGIN_SET = `
  with hit as (
    update floor.sentinels s set image = $1, deploy_status = 'progressing', deploy_number = s.deploy_number + 1,
           generation = s.generation + 1, updated_at = now()
      from floor.targets t where t.rollout_id = $2 and t.target between $3::int4 and $4::int4 and s.id = t.sentinel_id
    returning s.id, t.target, s.running_image
  ), deploying as (
    update floor.targets t set status = 'deploying', previous_image = h.running_image
      from hit h where t.rollout_id = $2 and t.target = h.target
  ), change as (insert into floor.changes (sentinel_id) select id from hit)
  insert into floor.events (sentinel_id, type) select id, 'sentinel_deploying' from hit`;

const END_SET = `
  with hit as (
    update floor.sentinels s set deploy_status = 'ready', running_image = s.image, updated_at = now()
      from floor.targets t where t.rollout_id = $1 and t.target between $2::int4 and $3::int4 and s.id = t.sentinel_id
       and s.deploy_status = 'progressing'
    returning s.id, t.target
  ), ready as (
    update floor.targets t set status = 'ready' from hit h where t.rollout_id = $1 and t.target = h.target
  )
  insert into floor.events (sentinel_id, type) select id, 'sentinel_ready' from hit`;

async function insertTargets(pool: pg.Pool, rolloutId: string): Promise<void> {
  await pool.query(
    `insert into floor.targets (rollout_id, target, sentinel_id, status)
     select $1, row_number() over (order by id) - 1, id, 'pending' from floor.sentinels`,
    [rolloutId],
  );
  await pool.query("analyze floor.targets");
}

const ENDS = [1, 5, 25, 50, 100];

/** Two set-based transactions a wave. Returns deploys a second. */
export async function floorSet(pool: pg.Pool, size: number, rolloutId: string): Promise<number> {
  const startedAt = performance.now();
  await insertTargets(pool, rolloutId);
  let first = 0;
  for (const percent of ENDS) {
    const end = Math.ceil((size * percent) / 100);
    await pool.query(BEGIN_SET, [rolloutId, rolloutId, first, end - 1]);
    await pool.query(END_SET, [rolloutId, first, end - 1]);
    first = end;
  }
  return (size / (performance.now() - startedAt)) * 1000;
}

/** Two transactions a sentinel over a pool of 10, a statement for each row. Returns deploys a second. */
export async function floorRow(pool: pg.Pool, size: number, rolloutId: string): Promise<number> {
  const startedAt = performance.now();
  await insertTargets(pool, rolloutId);
  let first = 0;
  for (const percent of ENDS) {
    const end = Math.ceil((size * percent) / 100);
    let next = first;
    const work = async () => {
      const client = await pool.connect();
      for (let target = next++; target < end; target = next++) {
        const id = `snt_${String(target + 1).padStart(6, "0")}`;
        await inTransaction(client, () => beginRow(client, rolloutId, target, id));
        await inTransaction(client, () => endRow(client, rolloutId, target, id));
      }
      client.release();
    };
    await Promise.all(Array.from({ length: 10 }, work));
    first = end;
  }
  return (size / (performance.now() - startedAt)) * 1000;
}

async function inTransaction(client: pg.PoolClient, statements: () => Promise<void>): Promise<void> {
  await client.query("begin");
  await statements();
  await client.query("commit");
}

async function beginRow(client: pg.PoolClient, rolloutId: string, target: number, id: string): Promise<void> {
  await client.query({
    name: "begin_sentinel",
    text: `update floor.sentinels set image = $1, deploy_status = 'progressing', deploy_number = deploy_number + 1,
                  generation = generation + 1, updated_at = now() where id = $2`,
    values: [rolloutId, id],
  });
  await client.query({
    name: "begin_target",
    text: "update floor.targets set status = 'deploying', previous_image = 'old' where rollout_id = $1 and target = $2",
    values: [rolloutId, target],
  });
  await client.query({ name: "change", text: "insert into floor.changes (sentinel_id) values ($1)", values: [id] });
  await insertEvent(client, id, "sentinel_deploying");
}

async function endRow(client: pg.PoolClient, rolloutId: string, target: number, id: string): Promise<void> {
  await client.query({
    name: "end_sentinel",
    text: `update floor.sentinels set deploy_status = 'ready', running_image = image, updated_at = now()
            where id = $1 and deploy_status = 'progressing'`,
    values: [id],
  });
  await client.query({
    name: "end_target",
    text: "update floor.targets set status = 'ready' where rollout_id = $1 and target = $2",
    values: [rolloutId, target],
  });
  await insertEvent(client, id, "sentinel_ready");
}

async function insertEvent(client: pg.PoolClient, id: string, type: string): Promise<void> {
  await client.query({
    name: "event",
    text: "insert into floor.events (sentinel_id, type) values ($1, $2)",
    values: [id, type],
  });
}
