import { expect, test } from "vitest";
import { requestIdFrom } from "../../src/server/request-id.ts";

test("an id of visible characters: taken as it is", () => {
  expect(requestIdFrom("req-42/a")).toBe("req-42/a");
});

test.each([undefined, null, "", "two words", "line\nbreak", "ä", "x".repeat(129)])("%j: a new one", (value) => {
  const id = requestIdFrom(value);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(requestIdFrom(value)).not.toBe(id);
});
