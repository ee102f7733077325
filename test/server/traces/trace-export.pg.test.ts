import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { TraceContext } from "../../../src/engine/index.ts";
import {
  SentinelRolloutService,
  SentinelRolloutServiceRolloutRequestSchema,
} from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { startTraces } from "../../../src/server/index.ts";
import { silentOn } from "../../rollout/test-agent.ts";
import { NEW, type World } from "../../rollout/world.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { named, spansOfRollout, trace } from "./tracing.ts";

// How spans get to the collector: the invariants T1 to T4 of trace-export.ts, and whose trace they are in.

refuseLeaks();

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";

test("T1: answers that are lost: the identical spans are sent again, and none is missing", async () => {
  await using tracing = await trace({ sentinels: 10 }, { timeoutMs: 300 });
  const { world, collector } = tracing;
  collector.behaviour = "take-and-cut";
  await (
    await world.rollout()
  ).answer;
  await eventually(() => expect(collector.requests).toBeGreaterThan(3));
  collector.behaviour = "take";
  const { id } = await world.latest();
  await spansOfRollout(collector, id);
  await atEnd(world);
  const spans = collector.distinct();
  expect(named(spans, "deploy")).toHaveLength(10);
  expect(collector.taken.length).toBeGreaterThan(spans.length);
  for (const span of collector.taken) {
    const { attributes: _counts, ...rest } = span;
    expect(spans.find(({ spanId }) => spanId === span.spanId)).toMatchObject(rest);
  }
});

test.each([["503", { status: 503 }] as const, ["429", { status: 429 }] as const, ["403", { status: 403 }] as const])(
  "T3: a collector that answers %s: the rollout goes on, it is said once, and all is sent once it takes them",
  async (_name, behaviour) => {
    await using tracing = await trace({ sentinels: 5 }, { timeoutMs: 300 });
    const { world, collector, logged } = tracing;
    collector.behaviour = behaviour;
    await (
      await world.rollout()
    ).answer;
    await eventually(() => expect(collector.requests).toBeGreaterThan(2));
    collector.behaviour = "take";
    const spans = await spansOfRollout(collector, (await world.latest()).id);
    await atEnd(world);
    expect(named(spans, "deploy")).toHaveLength(5);
    expect(logged.map(({ message }) => message)).toEqual([
      "traces could not be sent; rollouts go on, and it is tried again",
      "traces are being sent again",
    ]);
  },
);

test("T3: a collector that never answers: the rollout goes on, and all is sent once it does", async () => {
  await using tracing = await trace({ sentinels: 5 }, { timeoutMs: 100 });
  const { world, collector, logged } = tracing;
  collector.behaviour = "hang";
  await (
    await world.rollout()
  ).answer;
  await eventually(() => expect(logged).toHaveLength(1));
  collector.behaviour = "take";
  expect(named(await spansOfRollout(collector, (await world.latest()).id), "deploy")).toHaveLength(5);
});

test("T3: a collector that cannot read the spans: they are left out, it is said, and the next rollout is sent", async () => {
  await using tracing = await trace({ sentinels: 2 });
  const { world, collector, logged } = tracing;
  collector.behaviour = { status: 400 };
  await (
    await world.rollout()
  ).answer;
  await atEnd(world);
  expect(logged.at(-1)?.message).toContain("refused");
  collector.behaviour = "take";
  await (
    await world.rollout({ image: "registry.test/sentinel:3" })
  ).answer;
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  expect(collector.distinct()).toHaveLength(spans.length);
});

test("T1: a collector that takes small requests only: all is sent, in as many as it takes", async () => {
  await using tracing = await trace({ sentinels: 30 });
  const { world, collector, logged } = tracing;
  collector.behaviour = { status: 503 };
  await (
    await world.rollout()
  ).answer;
  await eventually(() => expect(collector.requests).toBeGreaterThan(0));
  collector.behaviour = { status: 413, over: 8_000 };
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  expect(named(spans, "deploy")).toHaveLength(30);
  expect(logged.map(({ message }) => message).filter((message) => message.includes("refused"))).toEqual([]);
});

test("T1: a collector that takes nothing, however small: left out, it is said, and the next rollout is sent", async () => {
  await using tracing = await trace({ sentinels: 2 });
  const { world, collector, logged } = tracing;
  collector.behaviour = { status: 413 };
  await (
    await world.rollout()
  ).answer;
  await atEnd(world);
  expect(logged.at(-1)).toMatchObject({ fields: { reason: expect.stringContaining("413") } });
  collector.behaviour = "take";
  await (
    await world.rollout({ image: "registry.test/sentinel:3" })
  ).answer;
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  expect(collector.distinct()).toHaveLength(spans.length);
});

test("T3: a collector that was away for too long: the old is given up and told, the new is sent", async () => {
  await using tracing = await trace({ sentinels: 2 }, { maxAgeMs: 60_000, timeoutMs: 300 });
  const { world, collector, logged } = tracing;
  collector.behaviour = { status: 503 };
  await (
    await world.rollout()
  ).answer;
  const old = await world.latest();
  await eventually(() => expect(collector.requests).toBeGreaterThan(0));
  await world.pool.query("update rollout_events set time = time - interval '1 hour'");
  await atEnd(world);
  expect(logged.at(-1)).toMatchObject({ fields: { events: expect.any(Number) } });
  expect(logged.at(-1)?.message).toContain("left out");
  collector.behaviour = "take";
  await (
    await world.rollout({ image: "registry.test/sentinel:3" })
  ).answer;
  await spansOfRollout(collector, (await world.latest()).id);
  expect(collector.distinct().filter(({ attributes }) => attributes["hydra.rollout.id"] === old.id)).toEqual([]);
});

test("T2: two servers: every span is sent once", async () => {
  await using tracing = await trace({ sentinels: 60 });
  const { world, collector } = tracing;
  await tracing.startAnother();
  await (
    await world.rollout()
  ).answer;
  await spansOfRollout(collector, (await world.latest()).id);
  await atEnd(world);
  expect(collector.taken).toHaveLength(1 + 5 + 60);
});

test("T2: a server that stops in the middle: another goes on at once, and none is missing", async () => {
  await using tracing = await trace({ sentinels: 20 });
  const { world, collector } = tracing;
  await tracing.startAnother();
  world.agent.behaviour = silentOn(NEW, "snt_20");
  const { answer } = await world.rollout();
  await eventually(() => expect(named(collector.distinct(), "deploy").length).toBeGreaterThan(0));
  await tracing.first.stop();
  await world.inFlight("snt_20");
  await world.agent.report(await world.deploying("snt_20"), { runningImage: NEW });
  await answer;
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  expect(spans).toHaveLength(1 + 4 + 20);
});

test("T4: rollouts from before traces were asked for: not sent", async () => {
  await using tracing = await trace({ sentinels: 2 });
  const { world, collector } = tracing;
  await world.pool.query("truncate trace_export");
  await (
    await world.rollout()
  ).answer;
  const before = await world.latest();
  const { engine, pool } = world;
  const { endpoint } = collector;
  const traces = await startTraces({ engine, pool, log: quietLog, endpoint, version: "2", pollMs: 20 });
  await (
    await world.rollout({ image: "registry.test/sentinel:3" })
  ).answer;
  await spansOfRollout(collector, (await world.latest()).id);
  await traces.stop();
  expect(collector.taken.filter(({ attributes }) => attributes["hydra.rollout.id"] === before.id)).toEqual([]);
});

test("a caller in a trace: the rollout is a span of it, with its state", async () => {
  await using tracing = await trace({ sentinels: 1 });
  const { world, collector } = tracing;
  await rolloutWithin(world, { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`, tracestate: "acme=1,other=2" });
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  expect(named(spans, "rollout")[0]).toMatchObject({ parentSpanId: PARENT_ID });
  // 256: remoteness is known; 512: the parent is remote.
  expect(spans.map(({ name, flags }) => [name, flags])).toEqual([
    ["deploy", 257],
    ["wave", 257],
    ["rollout", 769],
  ]);
  for (const span of spans) expect(span).toMatchObject({ traceId: TRACE_ID, traceState: "acme=1,other=2" });
});

test("a caller who wants no record: nothing is sent of its rollout", async () => {
  await using tracing = await trace({ sentinels: 2 });
  const { world, collector } = tracing;
  await rolloutWithin(world, { traceparent: `00-${TRACE_ID}-${PARENT_ID}-00`, tracestate: "" });
  await atEnd(world);
  expect(collector.requests).toBe(0);
});

async function rolloutWithin({ engine }: World, traceContext: TraceContext): Promise<void> {
  const { typeName, method } = SentinelRolloutService;
  const input = create(SentinelRolloutServiceRolloutRequestSchema, { image: NEW });
  const call = { service: typeName, handler: method.rollout.name, key: "singleton", input, traceContext };
  const { invocationId } = await engine.invoke(call);
  await engine.attach(invocationId);
}

/** Waits until everything that has happened is done with. */
async function atEnd(world: World): Promise<void> {
  await eventually(async () => {
    const [row] = await world.rows<{ done: boolean }>(
      "select x.position = l.event_sequence as done from trace_export as x cross join rollout_log as l",
    );
    return row?.done ?? false;
  });
}
