import { createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Reporter } from "../../src/agent/reporter.ts";
import { ClusterService, DeployFailureClass } from "../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelHealth } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { eventually } from "../support/eventually.ts";
import { quietLog } from "../support/quiet-log.ts";
import { HydraByHand } from "./hydra-by-hand.ts";

test("a report that is never answered: it is sent again", async () => {
  const hydra = new HydraByHand();
  let calls = 0;
  hydra.onReport = () => (++calls === 1 ? new Promise<void>(() => {}) : undefined);
  const stopping = new AbortController();
  const reporter = new Reporter({
    client: createClient(ClusterService, hydra.transport),
    agent: { regionId: "eu", clusterUid: "uid", version: "test" },
    log: quietLog,
    signal: stopping.signal,
    answerMs: 50,
  });
  const running = reporter.run();
  reporter.report({
    sentinelId: "a",
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
  });
  await eventually(() => expect(hydra.reports.map(({ sentinelId }) => sentinelId)).toEqual(["a"]));
  stopping.abort();
  await running;
});
