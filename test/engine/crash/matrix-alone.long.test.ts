// The crash matrix with one node on the database: the next one finds what the
// killed one left.

import { describe, expect, test } from "vitest";
import { KINDS } from "./kinds.ts";
import { killAtEachPoint, POINTS_OF_EVERY_BATCH } from "./matrix.ts";

describe("a node that is alone, killed at each crash point of its batches", () => {
  test.each(KINDS)(
    "E1. E2. E3. E4. E5. while it writes %s: the next node ends what it left, once and in order",
    async (kind) => {
      expect([...(await killAtEachPoint(kind, 1))]).toEqual(expect.arrayContaining([...POINTS_OF_EVERY_BATCH]));
    },
  );
});
