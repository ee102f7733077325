import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApplyQueue } from "../../../../src/agent/kubernetes/reconciling/apply-queue.ts";
import { after, restoreTime, stopTime } from "./reconciling.ts";

beforeEach(stopTime);
afterEach(restoreTime);

describe("the queue of writes", () => {
  test("no more are under way than may be, and the first to come is the first to go", async () => {
    const { queue, begun, end } = startQueue({ inFlight: 2, perSecond: 1_000 });
    await after(0);
    expect([begun, queue.inFlight, queue.queued]).toEqual([[0, 1], 2, 18]);
    end(1);
    await after(0);
    expect([begun, queue.inFlight, queue.queued]).toEqual([[0, 1, 2], 2, 17]);
  });

  test("no more are begun within any second than may be", async () => {
    const { begun, queue } = startQueue({ inFlight: 100, perSecond: 5 });
    await after(999);
    expect(begun.length).toBe(5);
    await after(1);
    expect(begun.length).toBe(10);
    await after(999);
    expect(begun.length).toBe(10);
    await after(1_001);
    expect([begun.length, queue.queued]).toEqual([20, 0]);
  });

  test("one fails: the others have their turn", async () => {
    const { queue } = startQueue({ inFlight: 1, perSecond: 1_000, count: 0 });
    const first = queue.add(() => Promise.reject(new Error("no")));
    const second = queue.add(() => Promise.resolve("yes"));
    await expect(first).rejects.toThrow("no");
    await expect(second).resolves.toBe("yes");
  });

  test("aborted: what waits is given up, and nothing is begun any more", async () => {
    const { queue, begun, abort, ended } = startQueue({ inFlight: 1, perSecond: 1_000 });
    await after(0);
    abort();
    await after(5_000);
    expect((await Promise.allSettled(ended.slice(1))).every(({ status }) => status === "rejected")).toBe(true);
    expect([begun, queue.queued]).toEqual([[0], 0]);
  });
});

function startQueue({ inFlight, perSecond, count = 20 }: { inFlight: number; perSecond: number; count?: number }) {
  const stopping = new AbortController();
  const queue = new ApplyQueue({ inFlight, perSecond }, stopping.signal);
  const begun: number[] = [];
  const writes = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const ended = writes.map(({ promise }, index) =>
    queue.add(() => {
      begun.push(index);
      return promise;
    }),
  );
  for (const end of ended) end.catch(() => {});
  return {
    queue,
    begun,
    ended,
    end: (index: number) => writes[index]?.resolve(),
    abort: () => stopping.abort(),
  };
}
