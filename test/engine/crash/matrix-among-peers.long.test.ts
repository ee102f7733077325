// The crash matrix with three nodes on the database, whose callers share a key:
// two of them go on, and take over from the third.

import { describe, expect, test } from "vitest";
import { KINDS } from "./kinds.ts";
import { killAtEachPoint, POINTS_OF_EVERY_BATCH } from "./matrix.ts";

describe("one of three nodes, killed at each crash point of its batches", () => {
  test.each(KINDS)(
    "E1. E2. E3. E4. E5. while it writes %s: its peers end what it left, once and in order",
    async (kind) => {
      expect([...(await killAtEachPoint(kind, 3))]).toEqual(expect.arrayContaining([...POINTS_OF_EVERY_BATCH]));
    },
  );
});
