import { describe, expect, test } from "vitest";
import {
  activeRefusal,
  operationRefusal,
  type RolloutOperation,
  type RolloutStateName,
  stateForLostDriver,
} from "../../src/rollout/phase.ts";

const STATES: RolloutStateName[] = ["in_progress", "paused", "cancelled", "completed", "rolling_back"];

const LEGAL: Record<RolloutOperation, RolloutStateName[]> = {
  resume: ["paused"],
  cancel: ["in_progress", "paused"],
  rollback: ["paused", "cancelled"],
};

describe("operationRefusal", () => {
  const cases = STATES.flatMap((state) =>
    (["resume", "cancel", "rollback"] as const).map((operation) => ({ state, operation })),
  );

  const isLegal = ({ state, operation }: (typeof cases)[number]) => LEGAL[operation].includes(state);

  test.each(cases.filter(isLegal))("$operation in $state: not refused", ({ state, operation }) => {
    expect(operationRefusal(operation, { id: "rol_1", state }, undefined)).toBeUndefined();
  });

  test.each(cases.filter((one) => !isLegal(one)))(
    "$operation in $state: refused, naming state and id",
    ({ state, operation }) => {
      const refusal = operationRefusal(operation, { id: "rol_1", state }, undefined);
      expect(refusal).toContain(state.toUpperCase());
      expect(refusal).toContain("rol_1");
    },
  );

  test.each([
    ["resume", "in_progress", "no paused rollout to resume"],
    ["cancel", "completed", "cannot cancel rollout in state COMPLETED"],
    ["rollback", "completed", "cannot rollback in state COMPLETED, must be paused or cancelled"],
  ] as const)("%s in %s: starts with the words that operators know", (operation, state, words) => {
    expect(operationRefusal(operation, { id: "rol_1", state }, undefined)?.startsWith(words)).toBe(true);
  });

  test.each([
    ["resume", "no paused rollout to resume"],
    ["cancel", "no active rollout"],
    ["rollback", "no active rollout"],
  ] as const)("%s where there never was a rollout: the words that operators know, nothing else", (operation, words) => {
    expect(operationRefusal(operation, undefined, "rol_1")).toBe(words);
  });

  test("another rollout is meant than the latest: refused although the state is right, naming both", () => {
    const refusal = operationRefusal("resume", { id: "rol_2", state: "paused" }, "rol_1");
    expect(refusal).toContain("rol_1");
    expect(refusal).toContain("rol_2");
  });

  test("the latest rollout is meant: not refused", () => {
    expect(operationRefusal("resume", { id: "rol_2", state: "paused" }, "rol_2")).toBeUndefined();
  });
});

test("activeRefusal: starts with the words that operators know, and names state and id", () => {
  const refusal = activeRefusal({ id: "rol_1", state: "rolling_back" });
  expect(refusal.startsWith("rollout already active in state ROLLING_BACK")).toBe(true);
  expect(refusal).toContain("rol_1");
});

test("stateForLostDriver: a rollout that is being rolled back had been cancelled", () => {
  expect(STATES.map(stateForLostDriver)).toEqual(["in_progress", "paused", "cancelled", "completed", "cancelled"]);
});
