import { expect, test } from "vitest";
import { AccessGrace } from "../../../../src/agent/kubernetes/applying/access-grace.ts";

test("access is denied: believed once that has lasted, and not after it was granted meanwhile", () => {
  const access = new AccessGrace(30_000);
  expect(access.isDeniedForGood("a", 0)).toBe(false);
  expect(access.isDeniedForGood("a", 29_000)).toBe(false);
  expect(access.isDeniedForGood("a", 30_000)).toBe(true);
  access.granted("a");
  expect(access.isDeniedForGood("a", 31_000)).toBe(false);
});

test("access is denied for one sentinel, and granted for others all the time: believed once that has lasted", () => {
  const access = new AccessGrace(30_000);
  access.isDeniedForGood("a", 0);
  access.granted("b");
  expect(access.isDeniedForGood("a", 30_000)).toBe(true);
});

test("access was denied long ago, and nothing was asked since: it lasts from now on", () => {
  const access = new AccessGrace(30_000);
  access.isDeniedForGood("a", 0);
  expect(access.isDeniedForGood("a", 3_600_000)).toBe(false);
  expect(access.isDeniedForGood("a", 3_630_000)).toBe(true);
});
