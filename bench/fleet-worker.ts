// Simulated clusters on a thread of their own: who measures must not wait for them.

import { workerData } from "node:worker_threads";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type ConvergeRange, startSimulatedFleet } from "../src/agent/index.ts";

const { baseUrl, regionIds, convergeMs } = workerData as {
  baseUrl: string;
  regionIds: string[];
  convergeMs: ConvergeRange;
};

startSimulatedFleet({
  transport: createConnectTransport({ baseUrl, httpVersion: "2" }),
  regionIds,
  convergeMs,
  failures: new Map(),
  seed: 1,
  version: "bench",
  log: { debug() {}, info() {}, warn() {}, error() {} },
});
