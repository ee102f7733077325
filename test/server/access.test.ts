import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createAccess, type RequestHead } from "../../src/server/access.ts";

const HEAD: RequestHead = { method: "POST", authority: "127.0.0.1:8080", origin: undefined, authorization: undefined };

function refusal(head: Partial<RequestHead>, options: { anyHost?: boolean; origins?: string[] } = {}): string {
  const access = createAccess({ anyHost: false, origins: [], ...options });
  try {
    access.admit({ ...HEAD, ...head });
    return "none";
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== Code.PermissionDenied) throw error;
    return error.rawMessage;
  }
}

describe("Host header", () => {
  test("a name of this machine: let in", () => {
    expect(refusal({})).toBe("none");
  });

  test("another name, as after a page has rebound its own: refused, naming it and what is accepted", () => {
    const sentence = refusal({ authority: "evil.example:8080" });
    expect(sentence).toContain('"evil.example:8080"');
    expect(sentence).toContain("localhost, 127.0.0.1 or [::1]");
  });

  test("none: refused", () => {
    expect(refusal({ authority: undefined })).toContain("missing");
  });

  test("any host allowed: let in", () => {
    expect(refusal({ authority: "hydra.example.com" }, { anyHost: true })).toBe("none");
  });
});

describe("Origin header", () => {
  test.each(["http://127.0.0.1:8080", "https://127.0.0.1:8080"])("the server's own, %s: let in", (origin) => {
    expect(refusal({ origin })).toBe("none");
  });

  test.each(["https://evil.example", "null", "http://127.0.0.1:9999"])(
    "another, %s: may not change anything",
    (origin) => {
      expect(refusal({ origin })).toContain(JSON.stringify(origin));
    },
  );

  test("another: may read, which its browser keeps from it", () => {
    expect(refusal({ origin: "https://evil.example", method: "GET" })).toBe("none");
  });

  test("one that is allowed: let in", () => {
    expect(refusal({ origin: "https://ops.example.com" }, { origins: ["https://ops.example.com"] })).toBe("none");
  });
});
