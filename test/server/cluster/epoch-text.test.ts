import { expect, test } from "vitest";
import { epochFrom, epochText } from "../../../src/server/cluster/epoch-text.ts";

test.each([
  { situation: "as new as the cursor", seen: 5n, text: "e" },
  { situation: "newer than the cursor", seen: 7n, text: "e@7" },
])("what was told is $situation: the same is read that was written", ({ seen, text }) => {
  expect(epochText("e", seen, 5n)).toBe(text);
  expect(epochFrom(text, 5n)).toEqual({ epoch: "e", seen });
});

test.each(["e@5", "e@4", "e@", "@7", "e@-1", `e@${"9".repeat(19)}`])(
  "a text that no server writes with a cursor of 5, %s: never an epoch that there may be",
  (text) => {
    expect(epochFrom(text, 5n)).not.toMatchObject({ epoch: "e" });
  },
);

test.each([undefined, ""])("an agent that says %j: no epoch, and what it was told is as new as its cursor", (text) => {
  expect(epochFrom(text, 5n)).toEqual({ epoch: undefined, seen: 5n });
});
