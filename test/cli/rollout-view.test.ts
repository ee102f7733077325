import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { failedOf, readyOf, viewOfRollout, withPlan } from "../../src/cli/view/rollout-view.ts";
import { applyEvent } from "../../src/cli/view/view-events.ts";
import {
  RolloutEventType as Type,
  RolloutSchema,
  WaveSchema,
  SentinelRolloutState as State,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { NOON, pausedRollout, plan, record, ROLLOUT_ID, viewAfter } from "./recorded-rollout.ts";

describe("applyEvent()", () => {
  test("every event of a rollout: counts, failures and state are those of the last one", () => {
    const view = viewAfter(pausedRollout);
    expect(view).toMatchObject({ rolloutId: ROLLOUT_ID, state: State.PAUSED, total: 20, startedAt: NOON });
    expect([readyOf(view), failedOf(view)]).toEqual([9, 1]);
    expect(view.failures).toEqual([
      {
        sentinelId: "snt_000010",
        reason: "the image cannot be pulled: not found in its registry",
        reasonClass: "image_pull",
      },
    ]);
  });

  test("V1 a watch that begins in the middle: the counts of the waves it sees are right", () => {
    const view = withPlan(viewAfter(pausedRollout.slice(19)), plan);
    expect(view.waves[1]).toMatchObject({ size: 8, ready: 7, failed: 1, percentage: 50 });
  });

  test("V2 an event that is already contained: nothing changes", () => {
    const view = viewAfter(pausedRollout);
    expect(applyEvent(view, pausedRollout[4]!)).toBe(view);
  });

  test("V3 thousands of failures: the lists stay short", () => {
    const failures = Array.from(
      { length: 5_000 },
      (_, n) => [n, Type.SENTINEL_FAILED, { waveIndex: 0, sentinelId: `snt_${n}` }] as const,
    );
    const view = viewAfter(record(failures));
    expect(view.failures).toHaveLength(200);
    expect(view.recent.length).toBeLessThan(10);
  });

  test("another rollout's event: a new view", () => {
    const view = viewAfter([...pausedRollout, { ...pausedRollout[0]!, rolloutId: "rol_other", sequence: 99n }]);
    expect(view).toMatchObject({ rolloutId: "rol_other", state: State.IN_PROGRESS, waves: [], failures: [] });
  });

  test("V4 the outcome of a deploy of a rollout that was cancelled before: the one that is shown stays as it is", () => {
    const view = viewAfter(pausedRollout);
    const late = record([[9_000, Type.SENTINEL_READY, { sentinelId: "snt_000001", waveIndex: 0, waveReady: 1 }]]);
    const after = applyEvent(view, { ...late[0]!, rolloutId: "rol_older", sequence: 99n });
    expect(after).toEqual({ ...view, sequence: 99n });
  });

  test("a sentinel that failed and recovered: no longer a failure", () => {
    const recovered = record([
      [9_000, Type.SENTINEL_RECOVERED, { sentinelId: "snt_000010", waveIndex: 1, waveReady: 8, waveFailed: 0 }],
    ]);
    const view = viewAfter([...pausedRollout, { ...recovered[0]!, sequence: 99n }]);
    expect(view.failures).toEqual([]);
    expect(failedOf(view)).toBe(0);
  });

  test("a rollback: progress of its own", () => {
    const events = record([
      [0, Type.ROLLBACK_STARTED, { state: State.ROLLING_BACK, total: 20 }],
      [1, Type.SENTINEL_REVERTED, { state: State.ROLLING_BACK, sentinelId: "a" }],
      [2, Type.SENTINEL_REVERT_FAILED, { state: State.ROLLING_BACK, sentinelId: "b", reason: "timed out" }],
      [3, Type.ROLLBACK_COMPLETED, { state: State.CANCELLED, reverted: 1 }],
    ]);
    const waves = [{ ...create(WaveSchema), size: 4, ready: 3, failed: 1 }];
    const before = viewOfRollout(create(RolloutSchema, { ...plan, waves }), 0n);
    expect(events.reduce(applyEvent, before)).toMatchObject({
      state: State.CANCELLED,
      reverted: 1,
      rollback: { total: 3, reverted: 1, failed: 1 },
      failures: [{ sentinelId: "b", reason: "timed out" }],
      endedAt: NOON + 3,
    });
  });
});

describe("viewOfRollout()", () => {
  test("a snapshot in mid-wave: what is in flight belongs to the current wave", () => {
    const rollout = create(RolloutSchema, { ...plan, state: State.IN_PROGRESS, currentWave: 1, inFlight: 6 });
    expect(viewOfRollout(rollout, 7n).waves.map((wave) => wave.deploying)).toEqual([0, 6, 0]);
  });
});
