import { expect, test } from "vitest";
import { Progress } from "../../../../src/agent/kubernetes/watching/progress.ts";

const { signal } = new AbortController();

test("somebody waits for a version: not longer than until it, or a later one, has been heard", async () => {
  const progress = new Progress();
  progress.heard(5n);
  await progress.upTo(5n, signal);
  const waiting = progress.upTo(7n, signal).then(() => "heard");
  progress.heard(6n);
  expect(await Promise.race([waiting, Promise.resolve("waiting")])).toBe("waiting");
  progress.heard(8n);
  expect(await waiting).toBe("heard");
});

test("the cluster has gone back in time: nobody waits any longer for a version of before", async () => {
  const progress = new Progress();
  progress.heard(100n);
  const waiting = progress.upTo(120n, signal);
  progress.heard(40n);
  await expect(waiting).resolves.toBeUndefined();
});

test("the signal is aborted: the wait ends with its reason", async () => {
  const stop = new AbortController();
  const waiting = new Progress().upTo(1n, stop.signal);
  const reason = new Error("enough");
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
