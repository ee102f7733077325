import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { createHydraClient, type HydraClient } from "../../src/client/index.ts";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { canMount, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { type HydraProcess, startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const SENTINELS = 60;
const WAVES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
const PATIENCE = { timeoutMs: 60_000 };

describe.runIf(canMount())("a full disk under the embedded Postgres (needs Linux and the right to mount)", () => {
  test(
    "in mid-rollout: said in a sentence, new work refused, and it goes on by itself once there is room",
    { timeout: 180_000 },
    async () => {
      await using disk = await mountSmallDisk("160m");
      await using dev = startDev(disk);
      const client = createHydraClient({ baseUrl: await urlOf(dev) });
      const rollout = await startRollout(client);
      await disk.fill();
      await eventually(() => dev.stderr().includes("the database's disk is full"), PATIENCE);
      // A small write may still fit here and there.
      const error = await eventually(
        () => refusal(client.sentinels.upsertSentinel({ sentinel: newSentinel() })),
        PATIENCE,
      );
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.rawMessage).toMatch(/^the database's disk is full: nothing new is taken until there is room/);
      await disk.makeRoom();
      await expectWhole(client, rollout);
      dev.kill("SIGTERM");
      expect(await dev.exited).toBe(0);
    },
  );

  test(
    "so full that Postgres itself ends: it is started again once there is room, and the rollout goes on",
    { timeout: 180_000 },
    async () => {
      await using disk = await mountSmallDisk("160m");
      await using dev = startDev(disk);
      const client = createHydraClient({ baseUrl: await urlOf(dev) });
      const rollout = await startRollout(client);
      const writer = await connectTo(disk);
      await disk.fill();
      await useUpLog(writer);
      await eventually(() => dev.stderr().includes("the disk of the embedded Postgres is full"), PATIENCE);
      await disk.makeRoom();
      await expectWhole(client, rollout);
      dev.kill("SIGTERM");
      expect(await dev.exited).toBe(0);
    },
  );
});

function startDev(disk: SmallDisk): HydraProcess {
  const fleet = ["--sentinels", String(SENTINELS), "--converge", "300-500", "--deploy-timeout", "10m"];
  return startHydraProcess(["dev", "--port", "0", "--data-dir", disk.path, ...fleet]);
}

/** Its id, once it is in its third wave. */
async function startRollout({ rollouts }: HydraClient): Promise<string> {
  rollouts.rollout({ image: "acme/sentinel:v2", wavePercentages: WAVES }).catch(() => {});
  return await eventually(async () => {
    const { rollout } = await rollouts.getRollout({});
    if ((rollout?.waves[2]?.startedAt ?? undefined) === undefined) throw new Error("not that far yet");
    return rollout?.id ?? "";
  }, PATIENCE);
}

/** Completed, every sentinel deployed exactly once, and no event missing. */
async function expectWhole({ rollouts, sentinels }: HydraClient, rolloutId: string): Promise<void> {
  await eventually(async () => {
    const { rollout } = await rollouts.getRollout({ rolloutId });
    expect(rollout).toMatchObject({ state: SentinelRolloutState.COMPLETED, ready: SENTINELS, failed: 0 });
  }, PATIENCE);
  const fleet = await sentinels.listSentinels({ pageSize: 1_000, regionId: "dev" });
  expect(fleet.sentinels.filter(({ generation }) => generation !== 2n)).toEqual([]);
  const sequences: bigint[] = [];
  for await (const { message } of rollouts.watch({ rolloutId, afterSequence: 0n })) {
    if (message.case === "event") sequences.push(message.value.sequence);
  }
  expect(sequences).toEqual(sequences.map((_, i) => BigInt(i + 1)));
}

/** A connection to the embedded Postgres, made while there is room for it. */
async function connectTo(disk: SmallDisk): Promise<pg.Client> {
  const postmaster = await readFile(path.join(disk.path, "postgres/postmaster.pid"), "utf8");
  const client = new pg.Client({ host: postmaster.split("\n")[4] ?? "", user: "hydra", database: "hydra" });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Writes on until Postgres cannot add to its log of changes, which is the end of it. */
async function useUpLog(client: pg.Client): Promise<void> {
  const write = async () => {
    for (;;) await client.query("select pg_logical_emit_message(false, 'test', repeat('x', 1000000))");
  };
  await expect(write()).rejects.toThrow(/No space left|terminat|closed|ECONNRESET/i);
  await client.end().catch(() => {});
}

/** Of a region that the fleet does not serve. */
function newSentinel() {
  const id = randomUUID();
  return { id, regionId: "elsewhere", k8sNamespace: "sentinels", k8sName: id, image: "acme/sentinel:v1" };
}

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectError)) throw new Error("it was not refused");
  return error;
}
