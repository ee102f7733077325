import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { CancelledError, EngineUnavailableError, type FailureKind, TerminalError } from "../../src/engine/index.ts";
import { toConnectError } from "../../src/server/connect-errors.ts";

describe("toConnectError", () => {
  test.each<[FailureKind, Code]>([
    ["invalid", Code.InvalidArgument],
    ["not_found", Code.NotFound],
    ["already_exists", Code.AlreadyExists],
    ["conflict", Code.FailedPrecondition],
    ["out_of_range", Code.OutOfRange],
    ["exhausted", Code.ResourceExhausted],
    ["unavailable", Code.Unavailable],
    ["cancelled", Code.Aborted],
    ["killed", Code.Aborted],
    ["timeout", Code.DeadlineExceeded],
    ["internal", Code.Internal],
  ])("a failure of kind %s: its code, with its sentence", (kind, code) => {
    expect(toConnectError(new TerminalError("a sentence", kind))).toMatchObject({ code, rawMessage: "a sentence" });
  });

  test("subclasses: as their kind", () => {
    expect(toConnectError(new CancelledError()).code).toBe(Code.Aborted);
    expect(toConnectError(new EngineUnavailableError("stopping", "unavailable")).code).toBe(Code.Unavailable);
  });

  test("a refusal that says when to try again: in seconds, rounded up, and as gRPC's clients read it", () => {
    const refusal = new EngineUnavailableError("too many", "exhausted", { retryAfterMs: 1_500 });
    const { code, metadata } = toConnectError(refusal);
    expect([code, metadata.get("retry-after"), metadata.get("grpc-retry-pushback-ms")]).toEqual([
      Code.ResourceExhausted,
      "2",
      "1500",
    ]);
    expect(toConnectError(new TerminalError("a limit", "exhausted")).metadata.get("retry-after")).toBeNull();
  });

  test("the disk is full, as Postgres says it: when to try again", () => {
    const error = toConnectError(Object.assign(new Error("no space left on device"), { code: "53100" }));
    expect([error.code, error.metadata.get("retry-after")]).toEqual([Code.ResourceExhausted, "5"]);
  });

  test("a ConnectError: stays as it is", () => {
    const error = new ConnectError("no", Code.NotFound);
    expect(toConnectError(error)).toBe(error);
  });

  test("anything else: a bare internal error, the cause kept", () => {
    const cause = new Error("password authentication failed for user hydra");
    const error = toConnectError(cause);
    expect(error).toMatchObject({ code: Code.Internal, rawMessage: "internal error", cause });
  });

  test.each(["ECONNREFUSED", "ENOENT", "08006", "57P01", "53300"])("the database is away (%s): unavailable", (code) => {
    const cause = Object.assign(new Error("connect /run/secret/path"), { code });
    const error = toConnectError(cause);
    expect(error).toMatchObject({ code: Code.Unavailable, cause });
    expect(error.rawMessage).not.toContain("secret");
  });

  // As `pg` says it, without a code.
  test.each([
    "Connection terminated",
    "Connection terminated unexpectedly",
    "Connection terminated due to connection timeout",
    "timeout exceeded when trying to connect",
    "Query read timeout",
  ])("a connection that broke while it read (%s): unavailable", (message) => {
    const cause = new Error(message);
    expect(toConnectError(cause)).toMatchObject({ code: Code.Unavailable, cause });
  });

  test("text that Postgres cannot store: invalid, and nothing for the log", () => {
    const error = toConnectError(Object.assign(new Error("invalid byte sequence"), { code: "22021" }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.cause).toBeUndefined();
  });
});
