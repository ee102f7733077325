import { expect, test } from "vitest";
import { delayFrom } from "../../../src/server/ingress/delay.ts";

test.each([
  ["10s", 10_000],
  ["1500ms", 1_500],
  ["1 second", 1_000],
  ["1+second", 1_000],
  ["PT1S", 1_000],
  ["PT0.25S", 250],
  ["P1DT2H3M4S", 93_784_000],
  ["P2W", 1_209_600_000],
  ["1h 30m", 5_400_000],
  ["2 hours, 5 minutes", 7_500_000],
  ["0s", 0],
])("delay=%s: understood", (text, delayMs) => {
  expect(delayFrom(`delay=${text}`)).toBe(delayMs);
});

test("the parameter's name: in any case, beside others", () => {
  expect(delayFrom("a=1&DeLaY=2s")).toBe(2_000);
});

test("no delay: undefined, whatever else there is", () => {
  expect(delayFrom("delaySec=5")).toBeUndefined();
});

test.each(["10", "soon", "-5s", "", "PT", "P", "1x", "1s-", "s", "PT1H2", "1e3s", "9".repeat(200)])(
  "delay=%s: refused with what is accepted",
  (text) => {
    expect(() => delayFrom(`delay=${text}`)).toThrow(/^bad delay query parameter, must be a ISO8601 duration: .*PT1S/);
  },
);

test("more than a year: refused", () => {
  expect(() => delayFrom("delay=100000d")).toThrow(/at most 366 days/);
});
