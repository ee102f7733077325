import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHydraClient, SentinelRolloutState } from "../../src/client/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { leftOutWithout } from "./client-tools.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { type HydraProcess, runHydra, startHydraProcess, urlOf } from "./hydra-process.ts";

// Whole rollouts by every client that people use, against `hydra dev`.

refuseLeaks();

const run = promisify(execFile);
const BUF = path.resolve(import.meta.dirname, "../../node_modules/.bin/buf");
const ROLLOUTS = "hydra.v1.SentinelRolloutService";

let scope: AsyncDisposableStack;
let dev: HydraProcess;
let url: string;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const directory = scope.use(await createTemporaryDirectory());
  const fleet = ["--sentinels", "60", "--converge", "200-600ms", "--fail", "snt_000003=crash_loop"];
  dev = scope.use(startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...fleet]));
  url = await urlOf(dev);
});

afterAll(async () => {
  dev.kill("SIGTERM");
  const exit = await dev.exited;
  await scope.disposeAsync();
  if (exit !== 0) throw new Error(`hydra dev ended with ${exit}`);
});

// One rollout at a time: these run one after the other.
describe("a rollout that pauses, then resumes", () => {
  test("the typed client: paused with the reason, resumed, completed", async () => {
    const { rollouts } = createHydraClient({ baseUrl: url });
    expect((await rollouts.rollout({ image: "acme/sentinel:typed" })).state).toBe(SentinelRolloutState.PAUSED);
    const { rollout } = await rollouts.getRollout({});
    const { targets } = await rollouts.listRolloutTargets({ rolloutId: rollout?.id ?? "", waveIndex: 1 });
    expect(targets.find(({ sentinelId }) => sentinelId === "snt_000003")?.reason).toContain("crash");
    expect((await rollouts.resume({})).state).toBe(SentinelRolloutState.COMPLETED);
  });

  test.each(["connect", "grpc", "grpcweb"])("buf curl over %s, without a schema: the same", async (protocol) => {
    const call = async (method: string, body: object) => {
      const args = ["curl", "--http2-prior-knowledge", "--protocol", protocol, "-d", JSON.stringify(body)];
      const { stdout } = await run(BUF, [...args, `${url}/${ROLLOUTS}/${method}`]);
      return JSON.parse(stdout) as { state?: string };
    };
    const body = { image: `acme/sentinel:buf-${protocol}` };
    expect((await call("Rollout", body)).state).toBe("SENTINEL_ROLLOUT_STATE_PAUSED");
    await expect(call("Rollout", body)).rejects.toMatchObject({
      stderr: expect.stringContaining("rollout already active in state PAUSED"),
    });
    expect((await call("Resume", {})).state).toBe("SENTINEL_ROLLOUT_STATE_COMPLETED");
  });

  test.skipIf(leftOutWithout("grpcurl"))("grpcurl, without a schema: the same", async () => {
    const call = (method: string, body: object) =>
      run("grpcurl", ["-plaintext", "-d", JSON.stringify(body), new URL(url).host, `${ROLLOUTS}/${method}`]);
    const started = await call("Rollout", { image: "acme/sentinel:grpcurl" });
    expect(started.stdout).toContain("SENTINEL_ROLLOUT_STATE_PAUSED");
    await expect(call("Rollout", {})).rejects.toMatchObject({ stderr: expect.stringContaining("image is required") });
    expect((await call("Resume", {})).stdout).toContain("COMPLETED");
  });

  test("hydra watch through connections that are cut every 300 ms: the identical list of events", async () => {
    await using proxy = await startCuttingProxy(url);
    const first = await latestSequence();
    const ended = runHydra(["rollout", "acme/sentinel:cut", "--url", url]);
    await eventually(async () => (await latestSequence()) > first, { timeoutMs: 30_000 });
    await using watch = startHydraProcess(["watch", "--json", "--after", String(first), "--url", proxy.url]);
    await eventually(() => sequencesIn(watch.stdout()).length > 0, { timeoutMs: 30_000 });
    proxy.startCutting(300);
    expect((await ended).exit).toBe(3);
    expect((await runHydra(["resume", "--url", url])).exit).toBe(0);
    expect(await watch.exited).toBe(0);
    expect(proxy.cuts()).toBeGreaterThan(3);
    expect(sequencesIn(watch.stdout())).toEqual(await sequencesAfter(first));
    expect(watch.stderr()).toBe("");
  });
});

async function latestSequence(): Promise<bigint> {
  for await (const { message } of createHydraClient({ baseUrl: url }).rollouts.watch({})) {
    if (message.case === "snapshot") return message.value.sequence;
  }
  throw new Error("no snapshot");
}

async function sequencesAfter(first: bigint): Promise<number[]> {
  const last = await latestSequence();
  const sequences: number[] = [];
  for await (const { message } of createHydraClient({ baseUrl: url }).rollouts.watch({ afterSequence: first })) {
    if (message.case !== "event") continue;
    sequences.push(Number(message.value.sequence));
    if (message.value.sequence === last) break;
  }
  return sequences;
}

function sequencesIn(lines: string): number[] {
  const responses = lines
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as { event?: { sequence: string } });
  return responses.flatMap(({ event }) => (event ? [Number(event.sequence)] : []));
}
