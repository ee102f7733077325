import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type Observed, Reporter, type ReporterOptions } from "../../src/agent/reporter.ts";
import { ClusterService, DeployFailureClass } from "../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelHealth } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { eventually } from "../support/eventually.ts";
import { quietLog } from "../support/quiet-log.ts";
import { HydraByHand } from "./hydra-by-hand.ts";

test("a report that is never answered: it is sent again", async () => {
  let calls = 0;
  await using agent = start({ answerMs: 50 }, () => (++calls === 1 ? new Promise<void>(() => {}) : undefined));
  agent.reporter.report(converged("a"));
  await eventually(() => expect(agent.told()).toEqual([["a"]]));
});

test("words about what a deploy waits for: the first go at once, the next wait, and go with a verdict on another", async () => {
  await using agent = start({ wordsEveryMs: 3_600_000 });
  agent.reporter.report(waitingFor("a", "0 of 3 pods updated"));
  await eventually(() => expect(agent.told()).toEqual([["a"]]));

  agent.reporter.report(waitingFor("a", "1 of 3 pods updated"));
  // What goes at once overtakes them, whoever sends it.
  await using other = start({}, undefined, agent.hydra);
  other.reporter.report(converged("other"));
  await eventually(() => expect(agent.told()).toEqual([["a"], ["other"]]));

  agent.reporter.report(waitingFor("a", "2 of 3 pods updated"));
  agent.reporter.report(failed("b"));
  await eventually(() => expect(agent.told()).toEqual([["a"], ["other"], ["b", "a"]]));
  expect(agent.hydra.reports.at(-1)?.reason).toBe("2 of 3 pods updated");
});

test("words alone: they go when their time has come", async () => {
  await using agent = start({ wordsEveryMs: 20 });
  for (const words of ["0 of 3 pods updated", "1 of 3 pods updated", "2 of 3 pods updated"]) {
    agent.reporter.report(waitingFor("a", words));
    await eventually(() => expect(agent.hydra.reports.at(-1)?.reason).toBe(words));
  }
});

test("words that hydra has refused for now: they are sent again, though nothing else comes up", async () => {
  let calls = 0;
  await using agent = start({ wordsEveryMs: 3_600_000 }, () => {
    if (++calls === 1) throw new ConnectError("away", Code.Unavailable);
  });
  agent.reporter.report(waitingFor("a", "0 of 3 pods updated"));
  await eventually(() => expect(agent.told()).toEqual([["a"]]));
});

test("more than one call takes: what decides goes first, and all of the rest in order", async () => {
  await using agent = start({ wordsEveryMs: 3_600_000 });
  const ids = Array.from({ length: 2_500 }, (_, index) => `snt-${index}`);
  for (const id of ids) agent.reporter.report(waitingFor(id, "0 of 3 pods updated"));
  agent.reporter.report(failed("late"));
  await eventually(() => expect(agent.told().flat()).toEqual(["late", ...ids]));
  expect(agent.told().map(({ length }) => length)).toEqual([1_000, 1_000, 501]);
});

function start(
  options: Partial<ReporterOptions> = {},
  onReport: HydraByHand["onReport"] = () => {},
  hydra = new HydraByHand(),
) {
  hydra.onReport = onReport;
  const stopping = new AbortController();
  const reporter = new Reporter({
    client: createClient(ClusterService, hydra.transport),
    agent: { regionId: "eu", clusterUid: "uid", version: "test" },
    log: quietLog,
    signal: stopping.signal,
    ...options,
  });
  const running = reporter.run();
  return {
    reporter,
    hydra,
    /** Ids call by call. */
    told: () => hydra.calls.map(({ sentinels }) => sentinels.map(({ sentinelId }) => sentinelId)),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

function converged(sentinelId: string): Observed {
  return {
    sentinelId,
    deployNumber: 1n,
    observedGeneration: 1n,
    deploymentUid: "uid",
    reportOrder: 1n,
    health: SentinelHealth.HEALTHY,
    runningImage: "acme/sentinel:v1",
    availableReplicas: 1,
    failureClass: DeployFailureClass.UNSPECIFIED,
    reason: "",
    drift: "",
    takenFrom: "",
  };
}

function waitingFor(sentinelId: string, reason: string): Observed {
  return { ...converged(sentinelId), health: SentinelHealth.UNHEALTHY, runningImage: "", reason };
}

function failed(sentinelId: string): Observed {
  return { ...waitingFor(sentinelId, "crash loop"), failureClass: DeployFailureClass.CRASH_LOOP };
}
