import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeEach, expect, test } from "vitest";
import { SentinelRolloutState, type WatchResponse } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { EventLog } from "./event-log.ts";
import { startWatchServer } from "./watch-server.ts";

refuseLeaks();

let database: TestDatabase;
let log: EventLog;

async function close(): Promise<void> {
  await log?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
}

beforeEach(async () => {
  await close();
  database = await createDatabase();
  log = new EventLog(database.url);
});
afterAll(close);

/** Takes messages until one fulfils the condition; ends the stream. */
async function take(
  stream: AsyncIterable<WatchResponse>,
  isLast: (message: WatchResponse, taken: readonly WatchResponse[]) => boolean,
): Promise<WatchResponse[]> {
  const taken: WatchResponse[] = [];
  for await (const message of stream) {
    taken.push(message);
    if (isLast(message, taken)) break;
  }
  return taken;
}

async function takeAll(stream: AsyncIterable<WatchResponse>): Promise<WatchResponse[]> {
  return await take(stream, () => false);
}

function sequences(messages: readonly WatchResponse[]): number[] {
  return messages.flatMap(({ message }) => (message.case === "event" ? [Number(message.value.sequence)] : []));
}

function upTo(sequence: number) {
  return ({ message }: WatchResponse) => message.case === "event" && message.value.sequence >= BigInt(sequence);
}

function oneTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

async function codeOf(stream: AsyncIterable<WatchResponse>): Promise<Code> {
  const error = await takeAll(stream).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return (error as ConnectError).code;
}

test("a reader that is cut again and again while transactions race: it gets the identical list of events", async () => {
  const total = 3_000;
  // Small enough that readers fall behind the ring.
  await using server = startWatchServer(database.url, { ringCapacity: 50 });
  const writers = [0, 1, 2, 3].map(async (writer) => {
    for (let i = 0; i < total / 4;) {
      const size = Math.min(1 + ((i * 7 + writer) % 13), total / 4 - i);
      await log.add(Array.from({ length: size }, () => ({ rolloutId: `rol_${writer}`, sentinelId: `w${writer}` })));
      i += size;
    }
  });
  const seen: number[] = [];
  while (seen.length < total) {
    const cutAfter = 1 + Math.floor(Math.random() * 300);
    const stream = server.client.watch({ afterSequence: BigInt(seen.at(-1) ?? 0) });
    const isLast = (_: WatchResponse, taken: readonly WatchResponse[]) =>
      sequences(taken).length >= Math.min(cutAfter, total - seen.length);
    seen.push(...sequences(await take(stream, isLast)));
  }
  await Promise.all(writers);
  expect(seen).toEqual(oneTo(total));
});

test("two servers on one database: watchers of both get every event in the same order", async () => {
  await using one = startWatchServer(database.url);
  await using other = startWatchServer(database.url);
  const readers = [one, other, one, other].map((server) => take(server.client.watch({ afterSequence: 0n }), upTo(500)));
  for (let i = 0; i < 50; i++) await log.add(Array.from({ length: 10 }, () => ({ rolloutId: "rol_a" })));
  for (const messages of await Promise.all(readers)) expect(sequences(messages)).toEqual(oneTo(500));
});

test("a lost notification: polling finds the events", async () => {
  await using server = startWatchServer(database.url, { pollMs: 20 });
  const reader = take(server.client.watch({ afterSequence: 0n }), upTo(1));
  await addSilently(1);
  expect(sequences(await reader)).toEqual([1]);
});

test("the connection that listens is cut: what was missed meanwhile is found, and hints come again", async () => {
  await using server = startWatchServer(database.url, { pollMs: 600_000 });
  const listeners =
    "select pid from pg_stat_activity where application_name = 'hydra log listener' and datname = current_database()";
  const pidOf = async () => (await log.pool.query<{ pid: number }>(listeners)).rows[0]?.pid ?? false;
  const pid = await eventually(pidOf);
  const iterator = server.client.watch({ afterSequence: 0n })[Symbol.asyncIterator]();
  const next = async () => sequenceOf((await iterator.next()).value);
  expect(await next()).toBe(0n);
  await addSilently(1);
  await log.pool.query("select pg_terminate_backend($1)", [pid]);
  expect(await next()).toBe(1n);
  await log.add([{ rolloutId: "rol_a" }]);
  expect(await next()).toBe(2n);
  await iterator.return?.();
});

/** An event without a notification. */
async function addSilently(sequence: number): Promise<void> {
  await log.pool.query(
    `with moved as (update rollout_log set event_sequence = ${sequence})
     insert into rollout_events (sequence, time, rollout_id, state, type)
     values (${sequence}, now(), 'rol_a', 'in_progress', 'wave_started')`,
  );
}

test("a reader that takes nothing: the server's memory of events stays bounded, and it gets them all later", async () => {
  await using server = startWatchServer(database.url, { ringCapacity: 100 });
  const iterator = server.client.watch({ afterSequence: 0n })[Symbol.asyncIterator]();
  const first = iterator.next();
  await log.add([{ rolloutId: "rol_a" }]);
  const taken = [(await first).value];
  for (let i = 0; i < 10; i++) await log.add(Array.from({ length: 200 }, () => ({ rolloutId: "rol_a" })));
  await eventually(() => server.tail.after(1901n, 1)?.events.length === 1);
  expect(server.tail.after(1900n, 1)).toBeUndefined();
  while (!taken.some(upTo(2001))) taken.push((await iterator.next()).value);
  expect(sequences(taken)).toEqual(oneTo(2001));
  await iterator.return?.();
});

test("no position: a snapshot of the latest rollout, then the events after it", async () => {
  await using server = startWatchServer(database.url);
  await log.addRollout("rol_old", "completed");
  await log.addRollout("rol_new");
  await log.add([{ rolloutId: "rol_old" }, { rolloutId: "rol_new" }]);
  const stream = server.client.watch({});
  const messages = await take(stream, ({ message }, taken) => {
    if (taken.length === 1) void log.add([{ rolloutId: "rol_new" }]);
    return message.case === "event";
  });
  expect(messages[0]?.message).toMatchObject({ case: "snapshot", value: { sequence: 2n, reset: false } });
  expect(messages[0]?.message.value).toMatchObject({
    rollout: { id: "rol_new", state: SentinelRolloutState.IN_PROGRESS },
  });
  expect(sequences(messages)).toEqual([3]);
});

test("snapshots taken while events are written: no event is lost or told twice between the two", async () => {
  await using server = startWatchServer(database.url);
  await log.addRollout("rol_a");
  await log.addWave("rol_a", { size: 200, inFlight: 0 });
  const count = "update rollout_waves set ready = ready + 1";
  const writing = (async () => {
    for (let i = 0; i < 200; i++) await log.add([{ rolloutId: "rol_a" }], (client) => client.query(count));
  })();
  for (let i = 0; i < 20; i++) {
    const stream = server.client.watch({});
    const [first, second] = await take(stream, (_, taken) => taken.length === 2 || sequenceOf(taken[0]) >= 200n);
    const snapshot = first?.message.case === "snapshot" ? first.message.value : undefined;
    // Every event of this test makes one ready: the counts tell up to which event they hold.
    expect(BigInt(snapshot?.rollout?.ready ?? -1)).toBe(snapshot?.sequence);
    expect(second ? sequenceOf(second) : undefined).toBe(second && snapshot!.sequence + 1n);
  }
  await writing;
});

function sequenceOf(response: WatchResponse | undefined): bigint {
  return response?.message.value?.sequence ?? 0n;
}

test("there never was a rollout: a snapshot in state IDLE with an empty id", async () => {
  await using server = startWatchServer(database.url);
  const [first] = await take(server.client.watch({}), () => true);
  expect(first?.message).toMatchObject({
    case: "snapshot",
    value: { sequence: 0n, rollout: { id: "", state: SentinelRolloutState.IDLE } },
  });
});

test("a position older than what is kept: a snapshot marked reset, then what follows it", async () => {
  await using server = startWatchServer(database.url);
  await log.addRollout("rol_a");
  await log.add(oneTo(10).map(() => ({ rolloutId: "rol_a" })));
  await log.forget(5);
  const messages = await take(server.client.watch({ afterSequence: 4n }), ({ message }, taken) => {
    if (taken.length === 1) void log.add([{ rolloutId: "rol_a" }]);
    return message.case === "event";
  });
  expect(messages[0]?.message).toMatchObject({ case: "snapshot", value: { sequence: 10n, reset: true } });
  expect(sequences(messages)).toEqual([11]);
  expect(sequences(await take(server.client.watch({ afterSequence: 5n }), upTo(11)))).toEqual([6, 7, 8, 9, 10, 11]);
});

test("events are deleted under a reader that is behind: it gets a reset snapshot instead of a hole", async () => {
  await using server = startWatchServer(database.url, { ringCapacity: 10 });
  await log.addRollout("rol_a");
  await log.add(oneTo(1_000).map(() => ({ rolloutId: "rol_a" })));
  const iterator = server.client.watch({ afterSequence: 0n })[Symbol.asyncIterator]();
  const taken: WatchResponse[] = [(await iterator.next()).value];
  await log.forget(900);
  while (taken.at(-1)?.message.case === "event") taken.push((await iterator.next()).value);
  await iterator.return?.();
  expect(taken.at(-1)?.message).toMatchObject({ case: "snapshot", value: { sequence: 1000n, reset: true } });
  const seen = sequences(taken);
  expect(seen).toEqual(oneTo(seen.length));
});

test.each([
  { position: "negative", request: { afterSequence: -1n }, code: Code.InvalidArgument },
  { position: "beyond the latest", request: { afterSequence: 3n }, code: Code.OutOfRange },
  { position: "of an unknown rollout", request: { rolloutId: "rol_none", afterSequence: 0n }, code: Code.NotFound },
  { position: "unset, of an unknown rollout", request: { rolloutId: "rol_none" }, code: Code.NotFound },
])("a position that is $position: refused", async ({ request, code }) => {
  await using server = startWatchServer(database.url);
  await log.add([{ rolloutId: "rol_a" }, { rolloutId: "rol_a" }]);
  expect(await codeOf(server.client.watch(request))).toBe(code);
});

test("one rollout: its events only, and the end once it is completed", async () => {
  await using server = startWatchServer(database.url);
  await log.addRollout("rol_a");
  await log.addWave("rol_a", { size: 1, inFlight: 0 });
  const reader = takeAll(server.client.watch({ rolloutId: "rol_a", afterSequence: 0n }));
  await log.add([{ rolloutId: "rol_a" }, { rolloutId: "rol_b" }, { rolloutId: "rol_a" }]);
  await log.add([{ rolloutId: "rol_a", state: "completed", type: "rollout_completed" }], (client) =>
    client.query("update rollouts set state = 'completed', ended_at = now()"),
  );
  expect(sequences(await reader)).toEqual([1, 3, 4]);
  expect(sequences(await takeAll(server.client.watch({ rolloutId: "rol_a", afterSequence: 3n })))).toEqual([4]);
});

test("one rollout that is cancelled with a target in flight: the end comes after that target's outcome", async () => {
  await using server = startWatchServer(database.url, { heartbeatMs: 20 });
  await log.addRollout("rol_a");
  await log.addWave("rol_a", { size: 1, inFlight: 1 });
  await log.add([{ rolloutId: "rol_a", state: "cancelled", type: "rollout_cancelled" }], (client) =>
    client.query("update rollouts set state = 'cancelled', ended_at = now()"),
  );
  const reader = take(server.client.watch({ rolloutId: "rol_a", afterSequence: 0n }), ({ message }) => {
    // All that there was has been sent, and the stream is still open.
    if (message.case === "heartbeat") {
      void log.add([{ rolloutId: "rol_a", state: "cancelled" }], (client) =>
        client.query("update rollout_waves set in_flight = 0, ready = 1"),
      );
    }
    return false;
  });
  expect(sequences(await reader).slice(0, 2)).toEqual([1, 2]);
});

test("one rollout that is paused: the stream goes on until it has been resumed and completed", async () => {
  await using server = startWatchServer(database.url, { heartbeatMs: 20 });
  await log.addRollout("rol_a", "paused");
  await log.add([{ rolloutId: "rol_a", state: "paused", type: "rollout_paused" }]);
  const reader = take(server.client.watch({ rolloutId: "rol_a" }), (_, taken) => {
    const beats = taken.filter(({ message }) => message.case === "heartbeat").length;
    if (beats === 2 && taken.at(-1)?.message.case === "heartbeat") {
      void log.add([{ rolloutId: "rol_a", state: "completed", type: "rollout_completed" }], (client) =>
        client.query("update rollouts set state = 'completed', ended_at = now()"),
      );
    }
    return false;
  });
  expect(sequences(await reader)).toEqual([2]);
});

test("nothing happens: heartbeats with the position up to which everything was sent, the first one at once", async () => {
  await using server = startWatchServer(database.url, { heartbeatMs: 20 });
  await log.addRollout("rol_a");
  await log.add([{ rolloutId: "rol_a" }, { rolloutId: "rol_b" }]);
  const beats = await take(server.client.watch({ afterSequence: 2n }), (_, taken) => taken.length === 3);
  for (const { message } of beats) expect(message).toMatchObject({ case: "heartbeat", value: { sequence: 2n } });
  // Events of others are no events here, and no silence either.
  const other = await take(server.client.watch({ rolloutId: "rol_a", afterSequence: 1n }), () => true);
  expect(other[0]?.message).toMatchObject({ case: "heartbeat", value: { sequence: 2n } });
});

test("the server stops: its streams end with UNAVAILABLE", async () => {
  const server = startWatchServer(database.url);
  const code = codeOf(server.client.watch({ afterSequence: 0n }));
  await server[Symbol.asyncDispose]();
  expect(await code).toBe(Code.Unavailable);
});

test("nobody watches any more: events are no longer read", async () => {
  await using server = startWatchServer(database.url, { pollMs: 20 });
  const gone = new AbortController();
  const watched = take(server.client.watch({ afterSequence: 0n }, { signal: gone.signal }), upTo(1));
  await log.add([{ rolloutId: "rol_a" }]);
  await watched;
  gone.abort();
  await log.add([{ rolloutId: "rol_a" }]);
  await eventually(() => server.tail.after(0n, 1) === undefined);
});
