import { expect, test } from "vitest";
import { PlainDisplay } from "../../src/cli/drawing/plain-display.ts";
import { type RolloutEvent, RolloutEventType as Type } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { record } from "./recorded-rollout.ts";
import { recordingTerminal } from "./recording-terminal.ts";

function linesOf(events: readonly RolloutEvent[]): string[] {
  const terminal = recordingTerminal();
  const display = new PlainDisplay(terminal);
  for (const value of events) display.show({ $typeName: "hydra.v1.WatchResponse", message: { case: "event", value } });
  display.end();
  return terminal.printed.map((line) => line.replace(/^ *\d+ {2}\d\d:\d\d:\d\d {2}/, ""));
}

const wave = { waveIndex: 2, waveSize: 10_000, waveFailed: 0 };

test("thousands of sentinels get ready in a minute: the progress of the wave, every ten seconds", () => {
  const ready = Array.from(
    { length: 6_000 },
    (_, n) => [n * 10, Type.SENTINEL_READY, { ...wave, waveReady: n + 1, sentinelId: `snt_${n}` }] as const,
  );
  const lines = linesOf(record([[0, Type.WAVE_STARTED, { ...wave, waveReady: 0 }], ...ready]));
  expect(lines).toEqual([
    "wave 3 started: 10,000 sentinels",
    "wave 3: 1,001 of 10,000 ready",
    "wave 3: 2,001 of 10,000 ready",
    "wave 3: 3,001 of 10,000 ready",
    "wave 3: 4,001 of 10,000 ready",
    "wave 3: 5,001 of 10,000 ready",
  ]);
});

test("hundreds of failures at once: each with its reason", () => {
  const failed = Array.from(
    { length: 300 },
    (_, n) => [0, Type.SENTINEL_FAILED, { ...wave, sentinelId: `snt_${n}`, reason: "no such image" }] as const,
  );
  expect(linesOf(record(failed)).filter((line) => /^snt_\d+ failed: no such image$/.test(line))).toHaveLength(300);
});

test("a rollback of many: how many are back", () => {
  const reverted = Array.from(
    { length: 2_000 },
    (_, n) => [10 + n * 10, Type.SENTINEL_REVERTED, { ...wave, sentinelId: `snt_${n}` }] as const,
  );
  const lines = linesOf(
    record([[0, Type.ROLLBACK_STARTED], ...reverted, [21_000, Type.ROLLBACK_COMPLETED, { reverted: 2_000 }]]),
  );
  expect(lines).toEqual([
    "rollback started",
    "rollback: 1,000 sentinels reverted so far",
    "rollback: 2,000 sentinels reverted so far",
    "rollback completed: 2,000 sentinels reverted",
  ]);
});

test("a reason with escape sequences: harmless", () => {
  const events = record([[0, Type.SENTINEL_FAILED, { ...wave, sentinelId: "a", reason: "x\u001b[2Jy\nz" }]]);
  expect(linesOf(events)).toEqual(["a failed: x [2Jy z"]);
});
