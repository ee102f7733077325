// Every crash point once, each in a life in which a process comes to it.

import { describe, test } from "vitest";
import { CRASH_POINTS } from "../../../src/engine/crash-points.ts";
import { POINTS_AMONG_PEERS, SCENARIO_OF } from "./scenarios.ts";

describe("a process is killed at a crash point", () => {
  // oxlint-disable-next-line vitest/expect-expect -- the scenarios expect
  test.each(CRASH_POINTS)(
    "E1. E2. E3. E4. %s: the next one goes on, and nothing is lost or done twice",
    async (point) => {
      await SCENARIO_OF[point](point, 0);
    },
  );

  // oxlint-disable-next-line vitest/expect-expect -- the scenarios expect
  test.each(POINTS_AMONG_PEERS)(
    "E1. E2. E3. E4. %s, one of three: the others go on, and nothing is lost or done twice",
    async (point) => {
      await SCENARIO_OF[point](point, 2);
    },
  );
});
