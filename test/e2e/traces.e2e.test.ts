import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createHydraClient } from "../../src/client/index.ts";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { startTestCollector, type TestCollector } from "../server/traces/test-collector.ts";
import { named } from "../server/traces/tracing.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const run = promisify(execFile);
const BUF = path.resolve(import.meta.dirname, "../../node_modules/.bin/buf");
const ROLLOUTS = "hydra.v1.SentinelRolloutService";
const PARENT = "00f067aa0ba902b7";
/** A server that was killed still has the lease for a while. */
const TAKE_OVER = { timeoutMs: 40_000 };

function startTracedHydra(databaseUrl: string, endpoint: string, { converge = "1-50ms", env = {} } = {}) {
  const fleet = ["--sentinels", "60", "--converge", converge, "--deploy-timeout", "2m"];
  const settings = { DATABASE_URL: databaseUrl, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env };
  return startHydraProcess(["dev", "--port", "0", ...fleet], settings);
}

test("hydra killed with -9 in the middle, twice: one trace, no span missing, and what came twice is identical", async () => {
  await using database = await createDatabase();
  await using collector = await startTestCollector();
  const start = () => startTracedHydra(database.url, collector.endpoint, { converge: "700-1000ms" });
  {
    await using server = start();
    const { rollouts } = createHydraClient({ baseUrl: await urlOf(server) });
    void rollouts.rollout({ image: "acme/sentinel:killed" }).catch(() => {});
    await eventually(() => named(collector.taken, "deploy").length > 0);
    server.kill("SIGKILL");
    await server.exited;
  }
  {
    await using server = start();
    const { rollouts } = createHydraClient({ baseUrl: await urlOf(server) });
    const inProgress = (await rollouts.getRollout({})).rollout?.state;
    server.kill("SIGKILL");
    await server.exited;
    expect(inProgress).toBe(SentinelRolloutState.IN_PROGRESS);
  }
  await using server = start();
  const { rollouts } = createHydraClient({ baseUrl: await urlOf(server) });
  await eventually(async () => {
    expect((await rollouts.getRollout({})).rollout?.state).toBe(SentinelRolloutState.COMPLETED);
  }, TAKE_OVER);
  await eventually(() => named(collector.taken, "rollout").length > 0, TAKE_OVER);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);

  const spans = collector.distinct();
  expect(spans.map(({ name }) => name).sort()).toEqual([
    ...Array<string>(60).fill("deploy"),
    "rollout",
    ...Array<string>(5).fill("wave"),
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(named(spans, "deploy").map(({ attributes }) => attributes["hydra.sentinel.id"])).size).toBe(60);
  for (const { spanId, startUs, endUs, parentSpanId } of collector.taken) {
    expect(spans.find((span) => span.spanId === spanId)).toMatchObject({ startUs, endUs, parentSpanId });
  }
}, 120_000);

test("a caller in a trace, over Connect, gRPC and the ingress: each rollout goes on in it; a malformed one is ignored", async () => {
  await using database = await createDatabase();
  await using collector = await startTestCollector();
  await using server = startTracedHydra(database.url, collector.endpoint, {
    env: {
      OTEL_SERVICE_NAME: "sentinel-rollouts",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=secret",
    },
  });
  const url = await urlOf(server);
  const post = async (where: string, image: string, headers: Record<string, string>) => {
    const body = JSON.stringify({ image: `acme/sentinel:${image}` });
    const response = await fetch(`${url}/${where}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    expect(await response.text()).toContain("COMPLETED");
  };
  const traceIds = ["connect", "grpc", "ingress"].map((_name, i) => String(i + 1).repeat(32));
  const headersOf = (i: number) => ({ traceparent: `00-${traceIds[i]}-${PARENT}-01`, tracestate: `acme=${i}` });

  await post(`${ROLLOUTS}/Rollout`, "connect", headersOf(0));
  const metadata = Object.entries(headersOf(1)).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const body = JSON.stringify({ image: "acme/sentinel:grpc" });
  const grpc = ["curl", "--http2-prior-knowledge", "--protocol", "grpc", ...metadata, "-d", body];
  await run(BUF, [...grpc, `${url}/${ROLLOUTS}/Rollout`]);
  await post(`${ROLLOUTS}/singleton/Rollout`, "ingress", headersOf(2));
  await post(`${ROLLOUTS}/singleton/Rollout`, "malformed", { traceparent: "00-not-a-trace-01", tracestate: "acme=3" });

  for (const [i, traceId] of traceIds.entries()) {
    const spans = await wholeTrace(collector, traceId);
    expect(named(spans, "rollout")[0]).toMatchObject({ parentSpanId: PARENT, traceState: `acme=${i}` });
    expect(spans).toHaveLength(1 + 5 + 60);
  }
  await eventually(() => expect(named(collector.taken, "rollout")).toHaveLength(4));
  const malformed = named(collector.taken, "rollout").find(
    ({ attributes }) => attributes["hydra.image"] === "acme/sentinel:malformed",
  );
  expect(malformed).toMatchObject({ parentSpanId: "", traceState: "" });
  expect(malformed?.resource).toMatchObject({
    "service.name": "sentinel-rollouts",
    "deployment.environment.name": "test",
  });
  expect(collector.headers.every((headers) => headers["x-api-key"] === "secret")).toBe(true);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
}, 120_000);

async function wholeTrace(collector: TestCollector, traceId: string) {
  await eventually(() => named(collector.distinct(traceId), "rollout").length === 1);
  return collector.distinct(traceId);
}

test("no collector at its address: hydra starts, a rollout completes, the log says it, stopping is not held up", async () => {
  await using database = await createDatabase();
  const gone = await startTestCollector();
  await gone[Symbol.asyncDispose]();
  await using server = startTracedHydra(database.url, gone.endpoint);
  const { rollouts } = createHydraClient({ baseUrl: await urlOf(server) });
  expect((await rollouts.rollout({ image: "acme/sentinel:alone" })).state).toBe(SentinelRolloutState.COMPLETED);
  await eventually(() => expect(server.stderr()).toContain("traces could not be sent"));
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
}, 60_000);
