import { describe, expect, test } from "vitest";
import { duration, percent } from "../../src/rollout/notifications/figures.ts";
import { failureOfAnswer, failureOfError } from "../../src/rollout/notifications/failure-text.ts";
import { backOffMs, retryAfterMs } from "../../src/rollout/notifications/retry-after.ts";

const URL = "https://hooks.slack.com/services/T0123ABCD/B0/tops%65cret-token?channel=hidden-channel";

describe("what an answer said", () => {
  test.each([
    [404, "no_service", "it answered 404 Not Found: no_service"],
    [500, "", "it answered 500 Internal Server Error"],
    [599, "", "it answered 599"],
    [400, "no ".repeat(100), `it answered 400 Bad Request: ${"no ".repeat(67).slice(0, 200)}`],
  ])("%i with %j: told in short", (status, body, text) => {
    expect(failureOfAnswer(status, body, URL)).toBe(text);
  });

  test.each([
    "Cannot POST /services/T0123ABCD/B0/topsecret-token",
    "unknown token TOPSECRET-TOKEN",
    "unknown token topsecre",
    "team t0123abcd is gone",
    "hidden-c is archived",
    "<html><b>no</b></html>",
    "two\nlines",
    "\u001b[31mred",
  ])("%j, which repeats a part of the URL or is no plain text: not told", (body) => {
    expect(failureOfAnswer(404, body, URL)).toBe("it answered 404 Not Found");
  });
});

test.each([
  ["ECONNREFUSED", "the connection was refused"],
  ["ENOTFOUND", "its host name is not known to DNS"],
  ["CERT_HAS_EXPIRED", "the connection failed (CERT_HAS_EXPIRED)"],
  ["https://secret", "the connection was cut before an answer came"],
  [undefined, "the connection was cut before an answer came"],
])("an error with the code %s: told by its code alone", (code, text) => {
  const error = Object.assign(new Error(`connect to ${URL}`), code === undefined ? {} : { code });
  expect(failureOfError(error, { stopped: false, timedOut: false })).toBe(text);
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  test.each([
    ["7", 7_000],
    ["0", 0],
    [" 7 ", 7_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 23:59:00 GMT", 0],
    ["999999999", 3_600_000],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j: %j ms", (header, pauseMs) => {
    expect(retryAfterMs(header, now)).toBe(pauseMs);
  });
});

test("one try after the other fails: the pause doubles up to the longest, a quarter of it at random", () => {
  const pauses = (random: number) =>
    [1, 2, 3, 9, 4_000].map((tries) => backOffMs(tries, { firstMs: 1_000, longestMs: 60_000 }, () => random));
  expect(pauses(1)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(pauses(0)).toEqual([750, 1_500, 3_000, 45_000, 45_000]);
});

test.each([
  [0, "under 1 s"],
  [999, "under 1 s"],
  [12_345, "12 s"],
  [125_000, "2 min 5 s"],
  [3_600_000, "1 h"],
  [3_725_000, "1 h 2 min"],
  [273_600_000, "3 d 4 h"],
])("%i ms: %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("all but one: not yet 100 %", () => {
  expect(percent(99_999, 100_000)).toBe("99 %");
  expect(percent(3, 3)).toBe("100 %");
  expect(percent(0, 0)).toBe("0 %");
});
