import { Code } from "@connectrpc/connect";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { WatchResponse } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { backUp } from "../../support/put-back.ts";
import { EventLog } from "./event-log.ts";
import { startWatchServer, type WatchServer } from "./watch-server.ts";

refuseLeaks();

let database: TestDatabase;

beforeEach(async () => {
  await database?.[Symbol.asyncDispose]();
  database = await createDatabase();
  await write("before", 3);
});
afterAll(() => database?.[Symbol.asyncDispose]());

/** Writes events that tell of what in their place of a sentinel's id. */
async function write(what: string, count: number): Promise<void> {
  await using log = new EventLog(database.url, 1);
  for (let i = 0; i < count; i++) await log.add([{ rolloutId: "rol_a", sentinelId: what }]);
}

/** The same number without another epoch: as after a restart of Postgres. */
async function beginEpoch(): Promise<void> {
  await using log = new EventLog(database.url, 1);
  await log.pool.query("update rollout_log set run = null");
}

/** One that watches, and what it has heard. */
class Reader {
  /** As a client keeps it. */
  epoch: string | undefined;
  readonly heard: string[] = [];
  readonly #responses: AsyncIterator<WatchResponse>;

  constructor(server: WatchServer, from: Parameters<WatchServer["client"]["watch"]>[0]) {
    this.#responses = server.client.watch(from)[Symbol.asyncIterator]();
  }

  /** Until it has heard so many messages, each as a line. */
  async hears(count: number): Promise<readonly string[]> {
    while (this.heard.length < count) {
      const { value, done } = await this.#responses.next();
      if (done) throw new Error("the stream ended");
      this.epoch = value.epoch ?? this.epoch;
      this.heard.push(lineOf(value));
    }
    return this.heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#responses.return?.();
  }
}

function lineOf({ message }: WatchResponse): string {
  if (message.case === "event") return `${message.value.sequence} ${message.value.sentinelId}`;
  if (message.case === "snapshot") return `${message.value.reset ? "reset" : "snapshot"} ${message.value.sequence}`;
  return `heartbeat ${message.value?.sequence}`;
}

/** The epoch of a reader that has heard everything up to now. */
async function epochAt(sequence: bigint): Promise<string> {
  await using server = startWatchServer(database.url);
  await using reader = new Reader(server, { afterSequence: sequence });
  expect(await reader.hears(1)).toEqual([`heartbeat ${sequence}`]);
  return reader.epoch!;
}

test.each([
  { situation: "nothing happened since: a reset, though its position is beyond the latest", later: 0 },
  { situation: "as much happened since: a reset, though its position is there", later: 2 },
  { situation: "more happened since: a reset, and not the other events that follow its position", later: 7 },
])("a reader comes back to a database that was put back, $situation", async ({ later }) => {
  await using backup = await backUp(database);
  await write("lost", 2);
  const epoch = await epochAt(5n);
  await backup.putBack();
  await write("other", later);
  await using server = startWatchServer(database.url);
  await using reader = new Reader(server, { afterSequence: 5n, epoch });
  await reader.hears(1);
  await write("after", 2);
  const at = 3 + later;
  expect(await reader.hears(3)).toEqual([`reset ${at}`, `${at + 1} after`, `${at + 2} after`]);
});

test("a reader whose position the backup has: goes on without a reset, and hears all that follows it", async () => {
  await using backup = await backUp(database);
  const epoch = await epochAt(3n);
  await write("lost", 2);
  await backup.putBack();
  await write("other", 2);
  await using server = startWatchServer(database.url);
  await using reader = new Reader(server, { afterSequence: 3n, epoch });
  expect(await reader.hears(2)).toEqual(["4 other", "5 other"]);
  expect(reader.epoch).not.toBe(epoch);
});

test("a reader that says no epoch: refused beyond the latest event, as ever", async () => {
  await using server = startWatchServer(database.url);
  await using reader = new Reader(server, { afterSequence: 4n });
  await expect(reader.hears(1)).rejects.toMatchObject({ code: Code.OutOfRange });
  await using empty = new Reader(server, { afterSequence: 4n, epoch: "" });
  await expect(empty.hears(1)).rejects.toMatchObject({ code: Code.OutOfRange });
});

test("an epoch that never was, with a rollout that there is not: not found", async () => {
  await using server = startWatchServer(database.url);
  await using reader = new Reader(server, { rolloutId: "rol_b", afterSequence: 1n, epoch: "nonsense" });
  await expect(reader.hears(1)).rejects.toMatchObject({ code: Code.NotFound });
});

test.each([
  { situation: "to an older state", later: 0 },
  { situation: "and has gone on beyond what they know", later: 7 },
])(
  "readers of two servers are open while the database is put back $situation: reset, then all that follows",
  async ({ later }) => {
    await using backup = await backUp(database);
    await using one = startWatchServer(database.url, { pollMs: 20 });
    await using other = startWatchServer(database.url, { pollMs: 20 });
    await using first = new Reader(one, { afterSequence: 0n });
    await using second = new Reader(other, {});
    await second.hears(1);
    await write("lost", 2);
    await first.hears(5);
    await second.hears(3);
    await backup.putBack();
    await write("other", later);
    const resets = await Promise.all([first.hears(6), second.hears(4)]);
    const at = resets.map((lines) => Number(/^reset (\d+)$/.exec(lines.at(-1)!)?.[1]));
    await write("after", 3);
    for (const [i, reader] of [first, second].entries()) {
      const from = reader.heard.length;
      // A server that came back while they were written has told of the earlier ones by its reset.
      const expected = Array.from({ length: 3 + later + 3 - at[i]! }, (_, k) => at[i]! + k + 1);
      const lines = (await reader.hears(from + expected.length)).slice(from);
      expect(lines).toEqual(expected.map((sequence) => `${sequence} ${sequence > 3 + later ? "after" : "other"}`));
    }
  },
);

test("a reader that comes before its server has noticed: hears nothing of what was lost", async () => {
  await using backup = await backUp(database);
  // It notices with its next hint, once it listens again.
  await using server = startWatchServer(database.url, { pollMs: 600_000 });
  await using early = new Reader(server, {});
  await early.hears(1);
  await write("lost", 2);
  await early.hears(3);
  await backup.putBack();
  await using reader = new Reader(server, {});
  await reader.hears(1);
  await write("after", 1);
  expect(await reader.hears(2)).toEqual(["snapshot 3", "4 after"]);
});

test("put back and gone further between two readings of a server: who comes then hears nothing of what it held", async () => {
  await using server = startWatchServer(database.url, { pollMs: 20 });
  await using early = new Reader(server, { afterSequence: 3n });
  await early.hears(1);
  await write("lost", 2);
  await early.hears(3);
  const { epoch } = server.tail;
  await using log = new EventLog(database.url, 1);
  // One commit: as if nobody had looked in between.
  await log.pool.query(`
    begin;
    delete from rollout_events where sequence > 3;
    update rollout_log set event_sequence = 3, run = null;
    update rollout_log set event_sequence = 9;
    insert into rollout_events (sequence, time, rollout_id, state, type, sentinel_id)
    select number, now(), 'rol_a', 'in_progress', 'sentinel_ready', 'other' from generate_series(4, 9) as number;
    commit`);
  await eventually(() => server.tail.epoch !== epoch && server.tail.end === 9n);
  await using late = new Reader(server, { afterSequence: 3n });
  expect(await late.hears(6)).toEqual([4, 5, 6, 7, 8, 9].map((sequence) => `${sequence} other`));
  expect((await early.hears(4)).at(-1)).toBe("reset 9");
});

test("a new epoch without a loss, as after a restart of Postgres: open readers and those that come back hear no reset", async () => {
  await using server = startWatchServer(database.url, { pollMs: 20 });
  await using open = new Reader(server, { afterSequence: 3n });
  await open.hears(1);
  const epoch = open.epoch;
  await beginEpoch();
  await write("after", 2);
  expect(await open.hears(3)).toEqual(["heartbeat 3", "4 after", "5 after"]);
  expect(open.epoch).not.toBe(epoch);
  await using back = new Reader(server, { afterSequence: 3n, epoch: epoch! });
  expect(await back.hears(2)).toEqual(["4 after", "5 after"]);
  expect(back.epoch).toBe(open.epoch);
  await using last = new Reader(server, { afterSequence: 5n, epoch: open.epoch! });
  expect(await last.hears(1)).toEqual(["heartbeat 5"]);
});

test("a new epoch without a loss: all who are fed from the tail are told to judge for themselves", async () => {
  await using server = startWatchServer(database.url, { pollMs: 20 });
  await eventually(() => server.tail.epoch !== undefined);
  const { epoch, turns, end } = server.tail;
  const told = { upTo: server.tail.changeVersion, turns };
  const woken = server.tail.waitForChanges(told, 600_000, new AbortController().signal);
  await beginEpoch();
  await write("after", 1);
  await woken;
  expect(server.tail.turns).toBe(turns + 1);
  expect(server.tail.epoch).not.toBe(epoch);
  expect(server.tail.end).toBeGreaterThanOrEqual(end);
});

test("a reader that was told of a new epoch by its first event only, then cut: it holds what it needs to go on", async () => {
  await using server = startWatchServer(database.url, { pollMs: 20 });
  await using open = new Reader(server, { afterSequence: 3n });
  await open.hears(1);
  await beginEpoch();
  await write("after", 1);
  await open.hears(2);
  await using backup = await backUp(database);
  await write("lost", 1);
  await backup.putBack();
  await using again = startWatchServer(database.url);
  await using back = new Reader(again, { afterSequence: 4n, epoch: open.epoch! });
  expect(await back.hears(1)).toEqual(["heartbeat 4"]);
});
