import { expect, test } from "vitest";
import { engineMigrations, migrate } from "../../../src/engine/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { Acknowledged } from "../crash/acknowledged.ts";
import { structuralBreaches } from "../crash/breaches.ts";
import { createKindsEngine, type KindsEngine } from "../crash/host.ts";
import { CREATE_NOTES } from "../crash/notes.ts";
import { expectUnbroken } from "../crash/support.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { startProxy } from "../fixtures/proxy.ts";
import { startReplicatedPostgres } from "../fixtures/replicated-postgres.ts";
import { query } from "../support.ts";

refuseLeaks();

const LIMITS = { leaseMs: 2_000, pollMs: 200, drainMs: 2_000 };

/** An id that was told to somebody. */
async function tell({ engine }: KindsEngine, name: string, later: { delayMs?: number } = {}): Promise<string> {
  const call = { service: "kinds", handler: "values", key: name, input: name, idempotencyKey: name };
  return (await engine.invoke({ ...call, ...later })).invocationId;
}

async function start(databaseUrl: string): Promise<KindsEngine> {
  const host = createKindsEngine({ databaseUrl, limits: LIMITS });
  await host.engine.start();
  return host;
}

test("asynchronous replication, the primary lost with what the replica had not got: what is left is consistent, and no id is handed out again", async () => {
  await using directory = await createTemporaryDirectory();
  await using postgres = await startReplicatedPostgres(directory.path, { synchronous: false });
  await migrate({ databaseUrl: postgres.primaryUrl, ...engineMigrations });
  await query(postgres.primaryUrl, CREATE_NOTES);
  await using proxy = await startProxy(postgres.primaryUrl);
  await using known = await start(proxy.url);
  const kept = await tell(known, "kept");
  await known.engine.attach(kept);
  // A replica knows of a sequence up to 32 numbers ahead.
  await query(postgres.primaryUrl, "select nextval('engine.nodes_id_seq') from generate_series(1, 32)");
  await postgres.catchUp();
  await postgres.stopStreaming();

  // The replica knows of neither these calls nor of this node, its block of ids, and its id.
  const lost = [await tell(known, "lost")];
  await using unknown = await start(proxy.url);
  const lostNode = unknown.engine.stats().nodeId;
  lost.push(await tell(unknown, "lost as well"));
  const sleeping = await tell(unknown, "lost asleep", { delayMs: 3_600_000 });
  const waiting = unknown.engine.attach(sleeping);
  waiting.catch(() => {});
  expect(await query(postgres.replicaUrl, "select from engine.nodes")).toHaveLength(1);

  proxy.freeze();
  await postgres.killPrimary();
  await postgres.promote();
  expect(await structuralBreaches(postgres.replicaUrl)).toEqual([]);
  // Comes before the others find their way: its node has the id of one that is lost, and its block would be theirs.
  await using newcomer = await start(postgres.replicaUrl);
  const told = [await tell(newcomer, "new")];
  proxy.pointAt(postgres.replicaUrl);
  proxy.thaw();
  proxy.cut();

  for (const host of [known, unknown]) {
    await eventually(async () => told.push(await tell(host, `after ${told.length}`)), PATIENCE);
  }
  await expect(waiting).rejects.toMatchObject({ kind: "not_found", message: expect.stringContaining("failover") });
  for (const id of [...lost, sleeping]) expect(await newcomer.engine.attach(id)).toBeUndefined();
  expect(await newcomer.engine.attach(kept)).toMatchObject({ ok: true });
  expect(new Set([kept, ...lost, sleeping, ...told]).size).toBe(lost.length + told.length + 2);
  // It was not fenced off by the successor of the node that had its id before.
  expect(newcomer.engine.stats().nodeId).toBe(lostNode);
  await expectUnbroken(postgres.replicaUrl, new Acknowledged(), "failover", [known, unknown, newcomer]);
});
