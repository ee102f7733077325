import { describe, expect, test } from "vitest";
import { judgeFailure } from "../../../src/engine/store/failure.ts";

function databaseError(code: string): Error {
  return Object.assign(new Error(code), { severity: "ERROR", code });
}

describe("judgeFailure()", () => {
  test.each([
    ["40001", "repeat"],
    ["40P01", "repeat"],
    ["55P03", "repeat"],
    ["23505", "blame"],
    ["22021", "blame"],
    ["42601", "blame"],
    ["57014", "blame"],
    ["HY001", "lost"],
    ["57P01", "lost"],
    ["53100", "lost"],
    ["08006", "lost"],
    ["25006", "lost"],
  ] as const)("SQLSTATE %s: %s", (code, verdict) => {
    expect(judgeFailure(databaseError(code))).toBe(verdict);
  });

  test.each([
    ["a reset connection", Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })],
    ["a connection that ended", new Error("Connection terminated unexpectedly")],
    ["a client that is closed", new Error("Client was closed and is not queryable")],
    ["a write after the end", Object.assign(new Error("write after end"), { code: "ERR_STREAM_WRITE_AFTER_END" })],
  ])("%s: lost", (_what, error) => {
    expect(judgeFailure(error)).toBe("lost");
  });

  test.each([
    ["a number out of range", Object.assign(new RangeError("out of range"), { code: "ERR_OUT_OF_RANGE" })],
    ["an error of a handler's own", new Error("no output")],
    ["no error at all", undefined],
  ])("%s: some unit is to blame", (_what, error) => {
    expect(judgeFailure(error)).toBe("blame");
  });
});
