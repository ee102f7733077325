import pg from "pg";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";
import { UNOBSERVED } from "../../src/engine/observer.ts";
import { Upkeep } from "../../src/engine/upkeep.ts";
import { WriterWatch } from "../../src/engine/writer-watch.ts";
import { quietLog } from "../support/quiet-log.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createMarks, query, startEngine } from "./support.ts";

refuseLeaks();

test("a node that is lost while it joins: nothing of its upkeep begins", async () => {
  await using db = await createMarks();
  await (await startEngine(db.url, [])).stop();
  const [row] = await query<{ id: string }>(
    db.url,
    `with node as (insert into engine.nodes (backend_pid, handlers) values (0, '{}') returning id)
     insert into engine.heartbeats (node_id) select id from node returning node_id as id`,
  );
  const pool = new pg.Pool({ connectionString: db.url });
  const calls = { onFenced() {}, onUnseen() {}, onReady() {}, onLate() {}, look: () => Promise.resolve() };
  const nodeId = Number(row?.id);
  const watch = new WriterWatch({ pool, backendPid: 0, patienceMs: 1, inFlight: () => undefined, onSilent() {} });
  const upkeep = new Upkeep({
    nodeId,
    limits: DEFAULT_LIMITS,
    pool,
    log: quietLog,
    observer: UNOBSERVED,
    watch,
    ...calls,
  });
  const starting = upkeep.start();
  upkeep.stop();
  await starting;
  expect(upkeep.running).toBe(false);
  await pool.end();
});
