import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test } from "vitest";
import { convergeTimeMs } from "../../../src/agent/simulated/converge-time.ts";
import { type SimulatedFleet, type SimulatedFleetOptions, startSimulatedFleet } from "../../../src/agent/index.ts";
import { DeployFailureClass, DeployFailureClassSchema } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelHealth } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { desired, HydraByHand } from "../hydra-by-hand.ts";

const OLD = "acme/sentinel:v1";
const NEW = "acme/sentinel:v2";

let hydra: HydraByHand;
const fleets: SimulatedFleet[] = [];

beforeEach(() => {
  hydra = new HydraByHand();
});
afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.stop()));
});

async function startFleet(more: Partial<SimulatedFleetOptions> = {}, of = hydra): Promise<SimulatedFleet> {
  const fleet = startSimulatedFleet({
    transport: of.transport,
    regionIds: ["eu"],
    convergeMs: { min: 0, max: 0 },
    failures: new Map(),
    seed: 1,
    version: "test",
    log: quietLog,
    ...more,
  });
  fleets.push(fleet);
  await eventually(() => of.watched.length > 0);
  return fleet;
}

function fullSync(...sentinels: ReturnType<typeof desired>[]) {
  return { sentinels, fullSync: true, fullSyncEnd: true, cursor: 5n };
}

function changes(cursor: bigint, ...sentinels: ReturnType<typeof desired>[]) {
  return { sentinels, cursor };
}

/** Waits for this many reports and returns the last one. */
async function report(number: number) {
  await eventually(() => hydra.reports.length >= number);
  return hydra.reports[number - 1];
}

test("first full sync: every sentinel is reported as healthy on its image, all in one call", async () => {
  await startFleet();
  hydra.send(fullSync(desired("a", OLD), desired("b", OLD, 3n)));
  await report(2);
  expect(hydra.calls).toHaveLength(1);
  expect(hydra.calls[0]?.agent).toMatchObject({ regionId: "eu", clusterUid: "simulated-eu", version: "test" });
  expect(hydra.reports).toMatchObject([
    { sentinelId: "a", deployNumber: 0n, observedGeneration: 1n, health: SentinelHealth.HEALTHY, runningImage: OLD },
    { sentinelId: "b", deployNumber: 3n, observedGeneration: 4n, availableReplicas: 2, runningImage: OLD },
  ]);
});

test("a new deploy: reported as converged, echoing its number, with a higher order", async () => {
  await startFleet();
  hydra.send(fullSync(desired("a", OLD)));
  const first = await report(1);
  hydra.send(changes(6n, desired("a", NEW, 1n)));
  const second = await report(2);
  expect(second).toMatchObject({ deployNumber: 1n, observedGeneration: 2n, runningImage: NEW });
  expect(second!.reportOrder).toBeGreaterThan(first!.reportOrder);
  expect(second!.deploymentUid).toBe(first!.deploymentUid);
});

test("the same state told again: no report", async () => {
  await startFleet();
  hydra.send(fullSync(desired("a", OLD)));
  await report(1);
  hydra.send(changes(6n, desired("a", OLD)));
  hydra.send(changes(7n, desired("b", OLD)));
  expect((await report(2))?.sentinelId).toBe("b");
});

test("a sentinel that fails with a class: its old image runs on; with the old image it is healthy again", async () => {
  await startFleet({ failures: new Map([["a", "image_pull"]]) });
  hydra.send(fullSync(desired("a", OLD)));
  await report(1);
  hydra.send(changes(6n, desired("a", NEW, 1n)));
  const failed = await report(2);
  expect(failed).toMatchObject({
    deployNumber: 1n,
    health: SentinelHealth.UNHEALTHY,
    runningImage: OLD,
    failureClass: DeployFailureClass.IMAGE_PULL,
  });
  expect(failed?.reason).not.toBe("");
  hydra.send(changes(7n, desired("a", OLD, 2n)));
  expect(await report(3)).toMatchObject({
    deployNumber: 2n,
    health: SentinelHealth.HEALTHY,
    runningImage: OLD,
    failureClass: DeployFailureClass.UNSPECIFIED,
  });
});

test("a sentinel that fails without a class: unhealthy, no verdict", async () => {
  await startFleet({ failures: new Map([["a", ""]]) });
  hydra.send(fullSync(desired("a", OLD)));
  await report(1);
  hydra.send(changes(6n, desired("a", NEW, 1n)));
  expect(await report(2)).toMatchObject({
    health: SentinelHealth.UNHEALTHY,
    failureClass: DeployFailureClass.UNSPECIFIED,
  });
});

test("the simulation restarts while a sentinel that fails has a bad image: it still does not run it", async () => {
  hydra.running.set("a", OLD);
  await startFleet({ failures: new Map([["a", "crash_loop"]]) });
  hydra.send(fullSync(desired("a", NEW, 1n)));
  expect(await report(1)).toMatchObject({ runningImage: OLD, failureClass: DeployFailureClass.CRASH_LOOP });
});

test("the server goes away when it is asked about one of many: those before it are reported, and the others once it is back", async () => {
  hydra.running.set("b", OLD);
  let asked = 0;
  hydra.onGet = () => {
    if (++asked === 1) throw new ConnectError("away", Code.Unavailable);
  };
  await startFleet({ failures: new Map([["b", "crash_loop"]]) });
  const all = fullSync(desired("a", NEW, 1n), desired("b", NEW, 1n), desired("c", NEW, 1n));
  hydra.send(all);
  await eventually(() => hydra.watched.length === 2);
  hydra.send(all);
  await report(3);
  expect(hydra.reports.map(({ sentinelId }) => sentinelId).toSorted()).toEqual(["a", "b", "c"]);
});

test("a failure class of whatever name: the report has it, and words for a person that are more than its name", async () => {
  const classes = DeployFailureClassSchema.values.filter(({ number }) => number !== 0);
  const ids = classes.map(({ localName }) => localName.toLowerCase());
  await startFleet({ failures: new Map(ids.map((name) => [name, name])) });
  hydra.send(fullSync(...ids.map((id) => desired(id, OLD))));
  await report(ids.length);
  hydra.send(changes(6n, ...ids.map((id) => desired(id, NEW, 1n))));
  await report(2 * ids.length);
  const reports = hydra.reports.slice(ids.length);
  expect(reports.map(({ failureClass }) => failureClass)).toEqual(classes.map(({ number }) => number));
  expect(reports.filter(({ sentinelId, reason }) => reason === sentinelId)).toEqual([]);
});

test("an unknown failure class: refused, naming those that there are", () => {
  const start = () =>
    startSimulatedFleet({
      transport: hydra.transport,
      regionIds: ["eu"],
      convergeMs: { min: 0, max: 0 },
      failures: new Map([["a", "bad_luck"]]),
      seed: 1,
      version: "test",
      log: quietLog,
    });
  expect(start).toThrow(
    /sentinel a .*"bad_luck".*image_pull, crash_loop, progress_deadline, quota, rejected, other, unschedulable, .*missing/,
  );
});

test("standby and archived: paused or nothing, without replicas", async () => {
  await startFleet();
  const standby = { desiredState: SentinelDesiredState.STANDBY };
  const archived = { desiredState: SentinelDesiredState.ARCHIVED };
  hydra.send(fullSync(desired("a", OLD, 0n, standby), desired("b", OLD, 0n, archived)));
  await report(2);
  expect(hydra.reports).toMatchObject([
    { health: SentinelHealth.PAUSED, runningImage: "", availableReplicas: 0 },
    { health: SentinelHealth.UNKNOWN, runningImage: "", availableReplicas: 0 },
  ]);
});

test("a cut stream: the agent comes back with its cursor; after a cut full sync it starts anew", async () => {
  await startFleet();
  hydra.send({ sentinels: [desired("a", OLD)], fullSync: true, cursor: 0n });
  await report(1);
  hydra.cut();
  await eventually(() => hydra.watched.length === 2);
  hydra.send(fullSync(desired("a", OLD)));
  hydra.send(changes(9n, desired("b", OLD)));
  await report(2);
  hydra.cut();
  await eventually(() => hydra.watched.length === 3);
  expect(hydra.watched.map(({ cursor }) => cursor)).toEqual([0n, 0n, 9n]);
});

test("a sentinel that is no longer in the full sync: forgotten, met anew later", async () => {
  await startFleet();
  hydra.send(fullSync(desired("a", OLD), desired("b", OLD)));
  await report(2);
  hydra.send(fullSync(desired("b", OLD)));
  hydra.send(changes(6n, desired("a", OLD)));
  expect((await report(3))?.sentinelId).toBe("a");
});

test("reports that cannot be sent: sent again, of each sentinel only the newest", async () => {
  await startFleet();
  let attempts = 0;
  const blocked = Promise.withResolvers<void>();
  hydra.onReport = async () => {
    attempts += 1;
    if (attempts > 1) return;
    await blocked.promise;
    throw new ConnectError("away", Code.Unavailable);
  };
  hydra.send(fullSync(desired("a", OLD), desired("b", OLD)));
  await eventually(() => attempts === 1);
  hydra.send(changes(6n, desired("a", NEW, 1n), desired("c", OLD)));
  hydra.send(changes(7n, desired("a", NEW, 2n)));
  // The agent has taken both messages once it comes back with the cursor of the last.
  hydra.cut();
  await eventually(() => hydra.watched.at(-1)?.cursor === 7n);
  blocked.resolve();
  await eventually(() => hydra.reports.length === 3);
  expect(hydra.calls).toHaveLength(1);
  expect(hydra.reports.map(({ sentinelId, deployNumber }) => [sentinelId, deployNumber])).toEqual([
    ["b", 0n],
    ["c", 0n],
    ["a", 2n],
  ]);
});

async function orderOfConvergence(seed: number): Promise<string[]> {
  const own = new HydraByHand();
  const fleet = await startFleet({ seed, convergeMs: { min: 1, max: 200 } }, own);
  const ids = Array.from({ length: 30 }, (_, i) => `snt_${i}`);
  own.send(fullSync(...ids.map((id) => desired(id, OLD))));
  await eventually(() => own.reports.length === 30);
  own.send(changes(6n, ...ids.map((id) => desired(id, NEW, 1n))));
  await eventually(() => own.reports.length === 60);
  await fleet.stop();
  return own.reports.slice(30).map(({ sentinelId }) => sentinelId);
}

test("the same seed: sentinels converge in the same order; with another seed in another order", async () => {
  const [one, again, other] = await Promise.all([1, 1, 2].map(orderOfConvergence));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test("a newer deploy while one is under way: only the newer one is reported", async () => {
  const convergeMs = { min: 1, max: 300 };
  const timeOf = (deployNumber: bigint) => convergeTimeMs(convergeMs, 1, "a", deployNumber);
  const numbers = Array.from({ length: 50 }, (_, i) => BigInt(i + 1));
  const [quick, slow] = [numbers.find((n) => timeOf(n) < 100)!, numbers.findLast((n) => timeOf(n) > 200)!];
  await startFleet({ convergeMs });
  hydra.send(fullSync(desired("a", OLD)));
  await report(1);
  hydra.send(changes(6n, desired("a", NEW, quick)));
  hydra.send(changes(7n, desired("a", OLD, slow)));
  expect(await report(2)).toMatchObject({ deployNumber: slow, runningImage: OLD });
});

test("a full sync that is cut: what only its first half told of is gone after the second", async () => {
  await startFleet();
  hydra.send({ sentinels: [desired("a", OLD)], fullSync: true, cursor: 0n });
  await report(1);
  hydra.cut();
  await eventually(() => hydra.watched.length === 2);
  hydra.send(fullSync(desired("b", OLD)));
  hydra.send(changes(6n, desired("a", OLD)));
  expect((await report(3))?.sentinelId).toBe("a");
});

test("stop: it ends at once, with deploys under way and a server that does not answer", async () => {
  const fleet = await startFleet({ convergeMs: { min: 60_000, max: 60_000 } });
  hydra.onReport = () => new Promise(() => {});
  hydra.send(fullSync(desired("a", OLD)));
  hydra.send(changes(6n, desired("a", NEW, 1n)));
  await expect(Promise.all([fleet.stop(), fleet.stop()])).resolves.toHaveLength(2);
});
