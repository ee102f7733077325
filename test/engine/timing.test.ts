import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Periodic } from "../../src/engine/periodic.ts";
import { retryDelayMs } from "../../src/engine/retry.ts";
import { startTimer } from "../../src/engine/timer.ts";

describe("retryDelayMs()", () => {
  test("doubles from 50 ms to 10 s", () => {
    const longest = [1, 2, 3, 8, 9, 70, 10_000].map((failures) => retryDelayMs(failures, {}, () => 1));
    expect(longest).toEqual([50, 100, 200, 6_400, 10_000, 10_000, 10_000]);
  });

  test("a quarter of it is random", () => {
    expect([retryDelayMs(1, {}, () => 0), retryDelayMs(9, {}, () => 0)]).toEqual([37.5, 7_500]);
  });
});

describe("timers", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("longer than Node's longest delay: it fires when it is due, not at once", () => {
    const fired = vi.fn<() => void>();
    startTimer(2 ** 31 + 5_000, fired);
    vi.advanceTimersByTime(2 ** 31 + 4_000);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(fired).toHaveBeenCalledOnce();
  });

  test("of a time that has passed: it fires in a later turn", () => {
    const fired = vi.fn<() => void>();
    startTimer(-5, fired);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledOnce();
  });

  test("that is stopped: it never fires, and leaves nothing, also after its first leg", () => {
    const fired = vi.fn<() => void>();
    const stop = startTimer(2 ** 31 + 5_000, fired);
    vi.advanceTimersByTime(2 ** 31);
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("Periodic: the next run begins an interval after the last one ended, failures are told", async () => {
    const onError = vi.fn<(error: unknown) => void>();
    const ended = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const task = vi.fn<() => Promise<void>>();
    for (const { promise } of ended) task.mockReturnValueOnce(promise);
    const periodic = new Periodic(100, task, onError);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(task).toHaveBeenCalledTimes(1);
    ended[0].reject(new Error("no"));
    await vi.advanceTimersByTimeAsync(100);
    expect([task.mock.calls.length, onError.mock.calls.length]).toEqual([2, 1]);
    periodic.stop();
    ended[1].resolve();
    await vi.advanceTimersByTimeAsync(1_000);
    expect([task.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0]);
  });
});
