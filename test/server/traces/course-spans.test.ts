import { expect, test } from "vitest";
import type { CourseEvent, TracedRollout } from "../../../src/rollout/index.ts";
import { courseSpans } from "../../../src/server/traces/course-spans.ts";
import { traceOf } from "../../../src/server/traces/trace.ts";

// Courses that need a driver to end in the middle, and what ids rest on.

const NO_CALLER = { traceParent: null, traceState: "" };

function rolloutWith(...events: (Partial<CourseEvent> & { type: string })[]): TracedRollout {
  const wave = { wave_index: 0, percentage: 100, size: 3, ready: 2, failed: 0, skipped: 0, reverted: 0 };
  const course = events.map((event, i) => ({
    sequence: i + 1,
    timeUs: (i + 1) * 10,
    waveIndex: null,
    waveReady: null,
    waveFailed: null,
    reason: null,
    reverted: null,
    ...event,
  }));
  return { id: "rol_1", image: "acme/sentinel:1", startedAtUs: 10, ...NO_CALLER, waves: [wave], course };
}

function told(rollout: TracedRollout) {
  return courseSpans(rollout, traceOf(rollout)).map(({ span, endedBy }) => [
    span.name,
    span.startUs,
    span.endUs,
    endedBy,
    span.error,
  ]);
}

test("a driver that ends in the middle of a wave, then Resume: one span for the wave, from its first start", () => {
  const rollout = rolloutWith(
    { type: "rollout_started" },
    { type: "wave_started", waveIndex: 0 },
    { type: "rollout_paused", reason: "killed" },
    { type: "rollout_resumed" },
    { type: "wave_started", waveIndex: 0 },
    { type: "wave_completed", waveIndex: 0, waveReady: 3, waveFailed: 0 },
    { type: "rollout_completed" },
  );
  expect(told(rollout)).toEqual([
    ["pause", 30, 40, 4, undefined],
    ["wave", 20, 60, 6, undefined],
    ["rollout", 10, 70, 7, undefined],
  ]);
});

test("a rollback whose driver ends, after a cancel: an error with the reason; the rollout ended with the cancel", () => {
  const rollout = rolloutWith(
    { type: "rollout_started" },
    { type: "wave_started", waveIndex: 0 },
    { type: "rollout_cancelled" },
    { type: "rollback_started" },
    { type: "rollout_cancelled", reason: "killed by an operator" },
  );
  expect(told(rollout)).toEqual([
    ["wave", 20, 30, 3, undefined],
    ["rollout", 10, 30, 3, "cancelled"],
    ["rollback", 40, 50, 5, "killed by an operator"],
  ]);
});

test("the same rollout read again: the same ids; another installation's rollout of that name: others", () => {
  const rollout = { id: "rol_1", startedAtUs: 10, ...NO_CALLER };
  const trace = traceOf(rollout);
  const again = traceOf({ ...rollout });
  const other = traceOf({ ...rollout, startedAtUs: 11 });
  expect(again.id).toBe(trace.id);
  expect(again.spanId("wave", 1)).toBe(trace.spanId("wave", 1));
  expect(trace.spanId("wave", 2)).not.toBe(trace.spanId("wave", 1));
  expect(other.id).not.toBe(trace.id);
  expect(other.spanId("wave", 1)).not.toBe(trace.spanId("wave", 1));
  expect([trace.id, trace.spanId("wave", 1)]).toEqual([
    expect.stringMatching(/^[\da-f]{32}$/),
    expect.stringMatching(/^[\da-f]{16}$/),
  ]);
});
