// Every crash point once, each in a life in which a process comes to it.

import { describe, test } from "vitest";
import { CRASH_POINTS } from "../../../src/engine/crash-points.ts";
import { SCENARIO_OF } from "./scenarios.ts";

describe("a process is killed at a crash point", () => {
  // oxlint-disable-next-line vitest/expect-expect -- the scenarios expect
  test.each(CRASH_POINTS)("E1. E2. E3. E4. %s: another goes on, and nothing is lost or done twice", async (point) => {
    await SCENARIO_OF[point](point);
  });
});
