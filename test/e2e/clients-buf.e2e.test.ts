import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHydraClient } from "../../src/client/index.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { startDevServer } from "./dev-server.ts";

// Streams and errors by a foreign client, which asks the server for the schema, in every protocol.

refuseLeaks();

const BUF = path.resolve(import.meta.dirname, "../../node_modules/.bin/buf");
const ROLLOUTS = "hydra.v1.SentinelRolloutService";
const run = promisify(execFile);

let scope: AsyncDisposableStack;
let url: string;
let rolloutId: string;
let latest: number;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  url = await startDevServer(scope, ["--sentinels", "20", "--converge", "50ms"]);
  const { rollouts } = createHydraClient({ baseUrl: url });
  ({ rolloutId } = await rollouts.rollout({ image: "acme/sentinel:v2" }));
  for await (const { message } of rollouts.watch({ rolloutId })) {
    if (message.case === "snapshot") latest = Number(message.value.sequence);
  }
});

afterAll(() => scope.disposeAsync());

/** Calls a method with messages in JSON; resolves to the messages of the answer. */
async function call(method: string, messages: readonly object[], ...options: string[]): Promise<unknown[]> {
  const body = messages.map((message) => JSON.stringify(message)).join("\n");
  const { stdout } = await run(BUF, ["curl", "--http2-prior-knowledge", ...options, "-d", body, `${url}/${method}`]);
  // One after the other, each over many lines that end with a brace of its own.
  return JSON.parse(`[${stdout.trim().replaceAll(/^\}\n\{/gm, "},\n{")}]`) as unknown[];
}

describe.each(["connect", "grpc", "grpcweb"])("buf curl over %s", (protocol) => {
  const inProtocol = (method: string, ...messages: object[]) => call(method, messages, "--protocol", protocol);

  test("a server stream of a rollout that is over: every event, in order, and the end", async () => {
    const answers = await inProtocol(`${ROLLOUTS}/Watch`, { rolloutId, afterSequence: 0 });
    const sequences = (answers as { event: { sequence: string } }[]).map(({ event }) => Number(event.sequence));
    expect(sequences).toEqual(Array.from({ length: latest }, (_, i) => i + 1));
  });

  test("a stream that is refused: code and sentence", async () => {
    const refused = inProtocol(`${ROLLOUTS}/Watch`, { rolloutId: "nope" });
    await expect(refused).rejects.toMatchObject({ stderr: expect.stringMatching(/"not_found".*no rollout/s) });
  });

  test("a client stream: its messages are taken as one", async () => {
    const row = (name: string) => ({
      sentinels: [{ id: name, regionId: "eu-1", k8sNamespace: "s", k8sName: name, image: "acme/sentinel:v2" }],
    });
    const rows = [row(`${protocol}-1`), row(`${protocol}-2`), row(`${protocol}-3`)];
    expect(await inProtocol("hydra.v1.SentinelService/ImportSentinels", ...rows)).toEqual([{ created: 3 }]);
  });
});

test.each(["grpc-v1", "grpc-v1alpha"])(
  "a client that knows reflection %s alone: calls and is answered",
  async (version) => {
    const answers = await call(`${ROLLOUTS}/GetRollout`, [{}], "--reflect-protocol", version);
    expect(answers).toMatchObject([{ rollout: { id: rolloutId } }]);
  },
);
