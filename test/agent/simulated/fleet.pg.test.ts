import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSimulatedFleet } from "../../../src/agent/index.ts";
import { rolloutHandlers } from "../../../src/rollout/index.ts";
import { SentinelHealth } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  SentinelRolloutServiceRollbackAllRequestSchema,
  SentinelRolloutServiceRolloutRequestSchema,
  SentinelRolloutState,
} from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type DomainServer, startDomainServer } from "../../server/domain-server.ts";

refuseLeaks();

const OLD = "acme/sentinel:v1";
const NEW = "acme/sentinel:v2";
const SERVICE = "hydra.v1.SentinelRolloutService";

let database: TestDatabase;
let server: DomainServer;

beforeAll(async () => {
  database = await createDatabase();
  const handlers = rolloutHandlers({
    deployTimeoutMs: 60_000,
    allowedWebhookHosts: [],
    hasDefaultWebhook: false,
    log: quietLog,
  });
  server = await startDomainServer(database.url, { handlers });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

function startFleet(failures: [string, string][]) {
  return startSimulatedFleet({
    transport: server.transport,
    regionIds: ["eu", "us"],
    convergeMs: { min: 0, max: 20 },
    failures: new Map(failures),
    seed: 1,
    version: "test",
    log: quietLog,
  });
}

async function importFleet(count: number): Promise<void> {
  const sentinels = Array.from({ length: count }, (_, i) => ({
    id: `snt_${i}`,
    regionId: i % 2 === 0 ? "eu" : "us",
    k8sNamespace: "sentinels",
    k8sName: `sentinel-${i}`,
    image: OLD,
  }));
  await server.sentinels.importSentinels(
    (async function* () {
      yield { sentinels };
    })(),
  );
}

async function run(handler: string, input: object): Promise<unknown> {
  const { invocationId } = await server.engine.invoke({ service: SERVICE, handler, key: "singleton", input });
  const outcome = await server.engine.attach(invocationId);
  if (!outcome?.ok) throw new Error(outcome?.message);
  return JSON.parse(outcome.output);
}

/** Ids of those that are not healthy on the image. */
async function othersThanHealthyOn(image: string): Promise<string[]> {
  const { sentinels } = await server.sentinels.listSentinels({ pageSize: 1_000 });
  return sentinels.filter((s) => s.health !== SentinelHealth.HEALTHY || s.runningImage !== image).map(({ id }) => id);
}

test("a whole rollout over a simulated fleet: paused by the one that fails, rolled back by the others", async () => {
  await importFleet(60);
  const fleet = startFleet([["snt_30", "crash_loop"]]);
  try {
    await eventually(async () => expect(await othersThanHealthyOn(OLD)).toEqual([]));
    await run(
      "Rollout",
      create(SentinelRolloutServiceRolloutRequestSchema, { image: NEW, wavePercentages: [50, 100] }),
    );
    const { rollout } = await server.rollouts.getRollout({});
    expect(rollout).toMatchObject({ state: SentinelRolloutState.PAUSED, total: 60, ready: 29, failed: 1 });
    await run("RollbackAll", create(SentinelRolloutServiceRollbackAllRequestSchema));
    // What failed is left alone: it waits for the image that it cannot run.
    expect(await othersThanHealthyOn(OLD)).toEqual(["snt_30"]);
    expect((await server.rollouts.getRollout({})).rollout).toMatchObject({
      state: SentinelRolloutState.CANCELLED,
      ready: 0,
      reverted: 29,
    });
  } finally {
    await fleet.stop();
  }
});
