import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createHydraClient } from "../../src/client/index.ts";
import { follow, followToTheEnd } from "../../src/cli/watching/follow.ts";
import type { RolloutEvent, WatchResponse } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { pausedRollout, plan, ROLLOUT_ID } from "./recorded-rollout.ts";
import { startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;

async function collect(stream: AsyncIterable<WatchResponse>): Promise<RolloutEvent[]> {
  const events: RolloutEvent[] = [];
  for await (const { message } of stream) if (message.case === "event") events.push(message.value);
  return events;
}

function sequences(events: readonly RolloutEvent[]): number[] {
  return events.map(({ sequence }) => Number(sequence));
}

describe("follow()", () => {
  test("a connection that is cut after every few messages: every event once, in order", async () => {
    await using server = await startScriptedServer({ events: pausedRollout, endsAfterEvents: true, cutAfter: 4 });
    const client = createHydraClient({ baseUrl: server.url });
    const events = await collect(
      follow(client, { rolloutId: ROLLOUT_ID, afterSequence: 0n, signal: never, firstPauseMs: 1 }),
    );
    expect(sequences(events)).toEqual(pausedRollout.map((_, index) => index + 1));
    expect(server.watches.length).toBeGreaterThan(3);
  });

  test("a server that is away for too long after it was heard: ConnectionLostError", async () => {
    const server = await startScriptedServer({ events: pausedRollout });
    const client = createHydraClient({ baseUrl: server.url });
    const stream = follow(client, { afterSequence: 0n, signal: never, firstPauseMs: 1, giveUpMs: 300 });
    await stream.next();
    await server[Symbol.asyncDispose]();
    await expect(collect(stream)).rejects.toThrow("look again with `hydra watch`");
  });

  test("a server that is away for a moment: not a word; for longer: told, and told when it is back", async () => {
    const told: string[] = [];
    const onAway = (forMs: number | undefined) => void told.push(forMs === undefined ? "back" : "away");
    const script = { events: pausedRollout, endsAfterEvents: false, cutAfter: 3 };
    await using server = await startScriptedServer(script);
    const client = createHydraClient({ baseUrl: server.url });
    const options = { afterSequence: 0n, signal: never, firstPauseMs: 1, maxPauseMs: 10, onAway };
    const stream = follow(client, { ...options, silentMs: 50 });
    for (let n = 0; n < 6; n++) await stream.next();
    expect(told).toEqual([]);
    script.cutAfter = 0;
    const next = stream.next().then(() => stream.next());
    await eventually(() => told.includes("away"));
    script.cutAfter = 1_000;
    await next;
    expect(told.at(-1)).toBe("back");
    await stream.return();
  });

  test("no server at the first message: its error, at once", async () => {
    const server = await startScriptedServer({ events: [] });
    await server[Symbol.asyncDispose]();
    const client = createHydraClient({ baseUrl: server.url });
    await expect(follow(client, { signal: never }).next()).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("a stream without a word, not even a heartbeat: it counts as cut and is opened again", async () => {
    await using server = await startScriptedServer({ events: pausedRollout });
    const client = createHydraClient({ baseUrl: server.url });
    const over = new AbortController();
    const stream = follow(client, { afterSequence: 0n, signal: over.signal, silenceMs: 1_000, firstPauseMs: 1 });
    for (const _ of pausedRollout) await stream.next();
    const rest = collect(stream);
    await eventually(() => server.watches.length > 1);
    expect(server.watches[1]?.afterSequence).toBe(BigInt(pausedRollout.length));
    over.abort();
    expect(await rest).toEqual([]);
  });

  test("no server for a moment, but it was heard before: it is waited for", async () => {
    await using server = await startScriptedServer({ events: pausedRollout, endsAfterEvents: true, cutAfter: 0 });
    const client = createHydraClient({ baseUrl: server.url });
    const options = { rolloutId: ROLLOUT_ID, afterSequence: 0n, signal: never, firstPauseMs: 1, giveUpMs: 100 };
    await expect(collect(follow(client, options))).rejects.toMatchObject({ code: Code.Aborted });
    await expect(collect(follow(client, { ...options, known: true }))).rejects.toThrow("did not come back");
    expect(server.watches.length).toBeGreaterThan(2);
  });

  test("the database was put back while the connection was cut: a reset, and it goes on from there", async () => {
    const script = { events: pausedRollout, epoch: "e1", cutAfter: 4, snapshot: { sequence: 20n, rollout: plan } };
    await using server = await startScriptedServer(script);
    const client = createHydraClient({ baseUrl: server.url });
    const stream = follow(client, { rolloutId: ROLLOUT_ID, afterSequence: 0n, signal: never, firstPauseMs: 1 });
    for (let n = 0; n < 4; n++) await stream.next();
    script.epoch = "e2";
    const { value } = await stream.next();
    expect(value?.message).toMatchObject({ case: "snapshot", value: { reset: true, sequence: 20n } });
    for (let n = 0; n < 4; n++) await stream.next();
    const asked = server.watches.map(({ afterSequence, epoch }) => [afterSequence, epoch]);
    expect(asked.slice(0, 2)).toEqual([
      [0n, undefined],
      [4n, "e1"],
    ]);
    expect(asked.at(-1)).toEqual([23n, "e2"]);
    await stream.return();
  });

  test("a position beyond the latest event: the refusal, not another try", async () => {
    await using server = await startScriptedServer({ events: pausedRollout });
    const client = createHydraClient({ baseUrl: server.url });
    const stream = follow(client, { afterSequence: 999n, signal: never });
    await expect(stream.next()).rejects.toMatchObject({ code: Code.OutOfRange });
    expect(server.watches).toHaveLength(1);
  });
});

describe("followToTheEnd()", () => {
  const end = BigInt(pausedRollout.length);

  test("there never was a rollout: waits for the first and names it from then on", async () => {
    const script = { events: [] as RolloutEvent[], endsAfterEvents: false };
    await using server = await startScriptedServer(script);
    const client = createHydraClient({ baseUrl: server.url });
    const collected = collect(followToTheEnd(client, { signal: never }));
    await eventually(() => server.watches.length === 2);
    script.events.push(...pausedRollout);
    script.endsAfterEvents = true;
    server.wake();
    expect(sequences(await collected)).toEqual(pausedRollout.map((_, index) => index + 1));
    expect(server.watches.at(-1)?.rolloutId).toBe(ROLLOUT_ID);
  });

  test("from a position on, the latest rollout over: every event after it, then the end", async () => {
    const snapshot = { sequence: end, rollout: plan };
    await using server = await startScriptedServer({ events: pausedRollout, snapshot, endsAfterEvents: true });
    const client = createHydraClient({ baseUrl: server.url });
    const events = await collect(followToTheEnd(client, { afterSequence: 20n, signal: never }));
    expect(sequences(events)).toEqual([21, 22, 23, 24, 25, 26]);
  });

  test("from a position that was told with another epoch: a reset, then the end, though the number is the very last", async () => {
    const snapshot = { sequence: end, rollout: plan };
    const script = { events: pausedRollout, epoch: "e2", snapshot, endsAfterEvents: true };
    await using server = await startScriptedServer(script);
    const client = createHydraClient({ baseUrl: server.url });
    const told = [];
    for await (const { message } of followToTheEnd(client, { afterSequence: end, epoch: "e1", signal: never })) {
      if (message.case === "snapshot") told.push([message.value.reset, message.value.sequence]);
    }
    expect(told).toEqual([[true, end]]);
    expect(server.watches.at(-1)).toMatchObject({ rolloutId: ROLLOUT_ID, afterSequence: end, epoch: "e2" });
  });

  test("put back before the first rollout starts, to a state that has one: that one is followed", async () => {
    const script = { events: [] as RolloutEvent[], epoch: "e1", endsAfterEvents: true };
    await using server = await startScriptedServer(script);
    const client = createHydraClient({ baseUrl: server.url });
    const stream = followToTheEnd(client, { signal: never });
    expect((await stream.next()).value?.message.case).toBe("snapshot");
    Object.assign(script, { epoch: "e2", snapshot: { sequence: end, rollout: plan }, events: pausedRollout });
    expect((await stream.next()).value?.message).toMatchObject({ case: "snapshot", value: { reset: true } });
    expect((await stream.next()).done).toBe(true);
    expect(server.watches.at(-1)).toMatchObject({ rolloutId: ROLLOUT_ID, afterSequence: end, epoch: "e2" });
  });

  test("from the very last position on: nothing, and the end", async () => {
    const snapshot = { sequence: end, rollout: plan };
    await using server = await startScriptedServer({ events: pausedRollout, snapshot, endsAfterEvents: true });
    const client = createHydraClient({ baseUrl: server.url });
    expect(await collect(followToTheEnd(client, { afterSequence: end, signal: never }))).toEqual([]);
  });
});
