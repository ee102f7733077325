import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Role } from "../../../src/gen/hydra/v1/options_pb.ts";
import { type AccessOptions, createAccess, type RequestHead } from "../../../src/server/access/access.ts";
import { ANYBODY, type Caller } from "../../../src/server/access/caller.ts";
import type { TokenState } from "../../../src/server/access/known-tokens.ts";
import { quietLog } from "../../support/quiet-log.ts";

const HEAD: RequestHead = { method: "POST", authority: "127.0.0.1:8080", origin: undefined, authorization: undefined };
const CI: Caller = { name: "ci", role: Role.OPERATOR, regionId: "", tokenId: "1" };
const OLD: Caller = { name: "old", role: Role.ADMIN, regionId: "", tokenId: "2" };
const NO_TOKENS = { any: false, judge: () => ({ state: "unknown" as const }), stateOf: () => "unknown" as const };
const TOKENS = {
  any: true,
  judge(text: string): { state: TokenState; caller?: Caller } {
    if (text === "good") return { state: "good", caller: CI };
    return text === "old" ? { state: "expired", caller: OLD } : { state: "unknown" };
  },
  stateOf: (id: string): TokenState => ({ 1: "good", 2: "expired" } as Record<string, TokenState>)[id] ?? "unknown",
};

function accessWith(options: Partial<AccessOptions> = {}) {
  return createAccess({
    tokens: NO_TOKENS,
    openWithoutTokens: true,
    anyHost: false,
    origins: [],
    log: quietLog,
    ...options,
  });
}

function refusal(
  head: Partial<RequestHead>,
  options: Partial<AccessOptions> = {},
  needed: Role = Role.VIEWER,
): ConnectError {
  try {
    accessWith(options).admit({ ...HEAD, ...head }, needed);
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw error;
  }
  return new ConnectError("none", Code.Unknown);
}

describe("Host header, without tokens", () => {
  test("a name of this machine: let in, to do everything", () => {
    expect(accessWith().admit(HEAD, Role.ADMIN)).toEqual(ANYBODY);
  });

  test("another name, as after a page has rebound its own: refused, naming it and what is accepted", () => {
    const { code, rawMessage } = refusal({ authority: "evil.example:8080" });
    expect(code).toBe(Code.PermissionDenied);
    expect(rawMessage).toContain('"evil.example:8080"');
    expect(rawMessage).toContain("localhost, 127.0.0.1 or [::1]");
  });

  test("none: refused", () => {
    expect(refusal({ authority: undefined }).rawMessage).toContain("missing");
  });

  test("any host allowed: let in", () => {
    expect(refusal({ authority: "hydra.example.com" }, { anyHost: true }).rawMessage).toBe("none");
  });
});

describe("Origin header", () => {
  test.each(["http://127.0.0.1:8080", "https://127.0.0.1:8080"])("the server's own, %s: let in", (origin) => {
    expect(refusal({ origin }).rawMessage).toBe("none");
  });

  test.each(["https://evil.example", "null", "http://127.0.0.1:9999"])(
    "another, %s: may not change anything",
    (origin) => {
      expect(refusal({ origin }).rawMessage).toContain(JSON.stringify(origin));
    },
  );

  test("another: may read, which its browser keeps from it", () => {
    expect(refusal({ origin: "https://evil.example", method: "GET" }).rawMessage).toBe("none");
  });

  test("one that is allowed: let in", () => {
    expect(refusal({ origin: "https://ops.example.com" }, { origins: ["https://ops.example.com"] }).rawMessage).toBe(
      "none",
    );
  });
});

describe("with tokens", () => {
  test("a good one: let in under any Host, as its bearer", () => {
    const head = { ...HEAD, authority: "hydra.example.com", authorization: "bearer  good" };
    expect(accessWith({ tokens: TOKENS }).admit(head, Role.OPERATOR)).toBe(CI);
  });

  test.each([
    [undefined, "no token came with this call"],
    ["Basic Z29vZDo=", "holds something else"],
    ["Bearer", "holds something else"],
    ["Bearer two words", "holds something else"],
    ["Bearer hunter2", "not known here"],
    ["Bearer old", 'token "old" has expired'],
  ])("Authorization %j: unauthenticated, asks for a bearer, and what came is not repeated", (authorization, words) => {
    const error = refusal({ authorization }, { tokens: TOKENS });
    expect(error.code).toBe(Code.Unauthenticated);
    expect(error.rawMessage).toContain(words);
    expect(error.rawMessage).not.toMatch(/hunter2|Z29vZDo|two words/);
    expect(error.metadata.get("www-authenticate")).toBe("Bearer");
  });

  test("a role that is too small: permission denied, naming the role needed and the one had", () => {
    const { code, rawMessage } = refusal({ authorization: "Bearer good" }, { tokens: TOKENS }, Role.ADMIN);
    expect(code).toBe(Code.PermissionDenied);
    expect(rawMessage).toBe('this takes the role admin, token "ci" has the role operator');
  });

  test("what takes no role: open, without a token and with a wrong one", () => {
    const access = accessWith({ tokens: TOKENS });
    for (const authorization of [undefined, "Bearer wrong"]) {
      expect(access.admit({ ...HEAD, authorization }, Role.UNSPECIFIED).role).toBe(Role.UNSPECIFIED);
    }
  });
});

describe("no tokens on a server that others reach", () => {
  test("closed, also to this machine, with what to do", () => {
    const { code, rawMessage } = refusal({ authorization: "Bearer good" }, { openWithoutTokens: false });
    expect(code).toBe(Code.Unauthenticated);
    expect(rawMessage).toContain("HYDRA_ADMIN_TOKEN");
  });

  test("what takes no role: open", () => {
    expect(refusal({}, { openWithoutTokens: false }, Role.UNSPECIFIED).rawMessage).toBe("none");
  });
});

describe("whoever was let in before", () => {
  test.each([
    ["a token that is still good", CI, undefined],
    ["a token that has expired", OLD, 'token "old" has expired'],
    ["a token that is gone", { ...CI, tokenId: "3" }, 'token "ci" was revoked'],
    ["nobody in particular, before there were tokens", ANYBODY, "has got tokens"],
  ])("%s: judged again", (_situation, caller, words) => {
    const now = accessWith({ tokens: TOKENS }).refusalNow(caller);
    expect(now?.code).toBe(words && Code.Unauthenticated);
    expect(now?.rawMessage ?? "none").toContain(words ?? "none");
  });

  test("nobody in particular, while there are none: may stay", () => {
    expect(accessWith().refusalNow(ANYBODY)).toBeUndefined();
  });
});

test("many refusals: the log has the first of each kind, and no token", () => {
  const lines: object[] = [];
  const log = { ...quietLog, warn: (fields: object) => void lines.push(fields) };
  const access = accessWith({ tokens: TOKENS, log });
  for (let i = 0; i < 100; i++) {
    expect(() => access.admit({ ...HEAD, authorization: `Bearer hunter${i}` }, Role.VIEWER)).toThrow("token");
    expect(() => access.admit({ ...HEAD, authorization: "Bearer good" }, Role.ADMIN)).toThrow("role");
  }
  expect(lines).toHaveLength(2);
  expect(JSON.stringify(lines)).not.toContain("hunter");
});
