import { expect, test } from "vitest";
import { engineMigrations, migrate } from "../../../src/engine/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { Acknowledged } from "../crash/acknowledged.ts";
import { structuralBreaches } from "../crash/breaches.ts";
import { KINDS } from "../crash/kinds.ts";
import { CREATE_NOTES } from "../crash/notes.ts";
import { expectUnbroken, startPeer } from "../crash/support.ts";
import { VictimProcess } from "../crash/victim-process.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { startProxy } from "../fixtures/proxy.ts";
import { startReplicatedPostgres } from "../fixtures/replicated-postgres.ts";
import { query } from "../support.ts";

refuseLeaks();

const LIMITS = { leaseMs: 2_000, pollMs: 200, drainMs: 2_000 };
const TIMELINE = "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline";

test("synchronous replication, the primary killed under load and the replica promoted: E1 to E4 hold, and the nodes join again", async () => {
  await using directory = await createTemporaryDirectory();
  await using postgres = await startReplicatedPostgres(directory.path, { synchronous: true });
  await migrate({ databaseUrl: postgres.primaryUrl, ...engineMigrations });
  await query(postgres.primaryUrl, CREATE_NOTES);
  await using proxy = await startProxy(postgres.primaryUrl);
  await using first = await VictimProcess.start(proxy.url, { limits: LIMITS });
  await using second = await VictimProcess.start(proxy.url, { limits: LIMITS });
  const acknowledged = new Acknowledged();
  const nodes = [first, second];
  const ended = () => nodes.flatMap((node) => node.told("ended")).length;

  const load = new AbortController();
  const caller = async () => {
    for (let i = 0; !load.signal.aborted; i++) {
      const kind = KINDS[i % KINDS.length] ?? "nothing";
      nodes[i % 2]?.call(acknowledged.called({ kind, key: `key ${i % 7}`, name: `call ${i}` }));
      // At most so many of them are open.
      await eventually(() => load.signal.aborted || i - ended() < 40, PATIENCE);
    }
  };
  const calling = caller();
  await eventually(() => ended() > 100, PATIENCE);
  await postgres.killPrimary();
  proxy.cut();
  await postgres.promote();
  expect(await query(postgres.replicaUrl, TIMELINE)).toEqual([{ timeline: "00000002" }]);
  expect(await structuralBreaches(postgres.replicaUrl)).toEqual([]);
  proxy.pointAt(postgres.replicaUrl);

  const before = ended();
  await eventually(() => ended() > before + 100, PATIENCE);
  load.abort();
  await calling;
  await eventually(() => answered(nodes) >= acknowledged.calls.size, PATIENCE);
  for (const node of nodes) acknowledged.hear(node);
  await using peer = await startPeer(proxy.url);
  await acknowledged.repeat(peer.engine);
  await expectUnbroken(postgres.replicaUrl, acknowledged, "failover", [peer]);
});

/** Calls whose caller has been told how they ended, or to try again. */
function answered(nodes: readonly VictimProcess[]): number {
  return nodes.flatMap((node) => [...node.told("ended"), ...node.told("refused")]).length;
}
