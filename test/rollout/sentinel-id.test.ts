import { expect, test } from "vitest";
import { sentinelIdOfCall } from "../../src/rollout/sentinel-call.ts";
import { checkSentinelId } from "../../src/rollout/sentinel-id.ts";

test.each(["a", "snt_000001", "A.b-c_9", "x".repeat(63)])("%s: accepted", (id) => {
  expect(() => checkSentinelId(id)).not.toThrow();
});

test.each(["", "_a", "a_", "-a", "a/b", "a b", "a\0b", "ä", "x".repeat(64), "a\n"])("%j: refused as invalid", (id) => {
  expect(() => checkSentinelId(id)).toThrow(expect.objectContaining({ kind: "invalid" }));
});

test("a call whose request names no sentinel or the key's: the key's", () => {
  expect(sentinelIdOfCall("", "snt_1")).toBe("snt_1");
  expect(sentinelIdOfCall("snt_1", "snt_1")).toBe("snt_1");
});

test("a call whose request names another sentinel than the key's: refused as invalid, naming both", () => {
  expect(() => sentinelIdOfCall("snt_2", "snt_1")).toThrow(/snt_2.*snt_1/);
});
