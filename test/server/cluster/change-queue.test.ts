import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DesiredSentinelSchema } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import type { DesiredChange } from "../../../src/rollout/index.ts";
import { ChangeQueue } from "../../../src/server/cluster/change-queue.ts";

const never = new AbortController().signal;

function changes(...versions: number[]): DesiredChange[] {
  return versions.map((version) => ({
    version: BigInt(version),
    regionId: "eu",
    sentinel: create(DesiredSentinelSchema, { sentinelId: `snt-${version}` }),
  }));
}

function at(cursor: bigint) {
  return { cursor, epoch: "e1", seen: cursor, turns: 0 };
}

function found(cursor: bigint, ofRegion: DesiredChange[]) {
  return { changes: ofRegion, cursor, seen: cursor, turns: 0 };
}

function versionsOf(taken: { changes: readonly DesiredChange[] } | undefined): number[] | undefined {
  return taken?.changes.map(({ version }) => Number(version));
}

test("more changes wait than are taken at once: the cursor is that of the last one taken, then of all", () => {
  const queue = new ChangeQueue("eu", at(4n), () => {});
  queue.add(found(10n, changes(5, 7, 8)));
  expect(queue.takenUpTo).toBeUndefined();
  expect(queue.take(2)).toMatchObject({ cursor: 7n, more: true });
  const rest = queue.take(2);
  expect(versionsOf(rest)).toEqual([8]);
  expect(rest).toMatchObject({ cursor: 10n, more: false });
  expect(queue.takenUpTo).toBe(10n);
});

test("changes that it has had come again, for the sake of another region: left out", () => {
  const queue = new ChangeQueue("eu", at(4n), () => {});
  queue.add(found(5n, changes(3, 4, 5)));
  queue.add(found(5n, changes(5)));
  expect(versionsOf(queue.take(10))).toEqual([5]);
});

test("what concerns other regions only: nobody is woken, the cursor moves", async () => {
  const queue = new ChangeQueue("eu", at(4n), () => {});
  let woken = false;
  const waiting = queue.wait(60_000, never).then(() => (woken = true));
  queue.add(found(9n, []));
  await Promise.resolve();
  expect(woken).toBe(false);
  expect(queue.take(10)).toEqual({ changes: [], cursor: 9n, more: false, seen: 9n });
  queue.add(found(10n, changes(10)));
  await waiting;
});

test("too many changes wait: it closes itself, once, and whoever waits is woken", async () => {
  let closed = 0;
  const queue = new ChangeQueue("eu", at(0n), () => (closed += 1));
  const waiting = queue.wait(60_000, never);
  queue.add(found(2_001n, changes(...Array.from({ length: 2_001 }, (_, index) => index + 1))));
  await waiting;
  queue.close();
  expect(closed).toBe(1);
  expect(queue.take(10)).toBeUndefined();
  queue.add(found(2_002n, changes(2_002)));
  expect(queue.take(10)).toBeUndefined();
});
