import { expect, test } from "vitest";
import { traceContextFrom } from "../../src/server/trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const VALID = `00-${TRACE}-${SPAN}-01`;

function parse(traceparent: string | undefined, tracestate?: string) {
  return traceContextFrom((name) => ({ traceparent, tracestate })[name]);
}

test("both headers: taken as they are", () => {
  expect(parse(` ${VALID} `, "acme=1, other=2")).toEqual({ traceparent: VALID, tracestate: "acme=1, other=2" });
});

test("a version that is not known yet: its known part counts", () => {
  expect(parse(`cc-${TRACE}-${SPAN}-03-what-the-future-brings`)?.traceparent).toBe(`00-${TRACE}-${SPAN}-03`);
});

test.each([
  ["none", undefined],
  ["empty", ""],
  ["words", "hello"],
  ["an id too short", `00-${TRACE.slice(1)}-${SPAN}-01`],
  ["an id too long", `00-${TRACE}0-${SPAN}-01`],
  ["capital letters", VALID.toUpperCase()],
  ["no trace id", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["no span id", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["the version that must not be", `ff-${TRACE}-${SPAN}-01`],
  ["more than version 00 has", `${VALID}-more`],
  ["two of them", `${VALID}, ${VALID}`],
  ["without flags", `00-${TRACE}-${SPAN}`],
])("a traceparent that is %s: ignored", (_situation, traceparent) => {
  expect(parse(traceparent, "acme=1")).toBeUndefined();
});

test.each([["x".repeat(513)], ["acmé=1"], ["a=\u0000"]])("a tracestate that cannot be: left out", (tracestate) => {
  expect(parse(VALID, tracestate)).toEqual({ traceparent: VALID, tracestate: "" });
});
