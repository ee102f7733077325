import { create } from "@bufbuild/protobuf";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type SimulatedFleet, startSimulatedFleet } from "../agent/index.ts";
import { DEMO_CONVERGE_MS, DEMO_FAILURES, DEMO_FLEET } from "../cli/index.ts";
import { createHydraClient, SentinelSpecSchema } from "../client/index.ts";
import { UserError } from "./user-error.ts";

const REGION = "demo";

/**
 * Makes the demo's sentinels on a server, and starts their cluster in this
 * process: it goes on while the server is dead, as a real one would.
 */
export async function startDemoFleet(url: string, version: string, signal: AbortSignal): Promise<SimulatedFleet> {
  const sentinels = DEMO_FLEET.map(({ id, image }) =>
    create(SentinelSpecSchema, {
      id,
      regionId: REGION,
      k8sNamespace: "sentinels",
      k8sName: id.replaceAll("_", "-"),
      image,
    }),
  );
  const client = createHydraClient({ baseUrl: url });
  await client.sentinels.importSentinels(once({ sentinels }), { signal }).catch((error: Error) => {
    throw new UserError(`the demo's fleet could not be made: ${error.message}`);
  });
  return startSimulatedFleet({
    transport: createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
    regionIds: [REGION],
    convergeMs: DEMO_CONVERGE_MS,
    failures: DEMO_FAILURES,
    seed: 1,
    version,
    log: SILENT,
  });
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}

/** That its server is away for a while is a part of the story. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
