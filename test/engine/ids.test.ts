import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAwakeableId, formatInvocationId, parseAwakeableId, parseInvocationId } from "../../src/engine/ids.ts";

const ids = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("an invocation's id", () => {
  test("comes back from its public form, and sorts in it as it does as a number", () => {
    fc.assert(fc.property(ids, (id) => parseInvocationId(formatInvocationId(id)) === id));
    fc.assert(fc.property(ids, ids, (a, b) => a < b === formatInvocationId(a) < formatInvocationId(b)));
  });

  test.each([
    ["", "bad format"],
    ["10000000000", "bad format"],
    ["inv_1", "bad length"],
    ["inv_1000000000", "bad length"],
    ["inv_10000000000x", "bad length"],
    ["inv_1000000000!", "base62 decode error"],
    ["inv_1zzzzzzzzzz", "base62 decode error"],
  ])("'%s' is refused: %s", (text, why) => {
    expect(() => parseInvocationId(text)).toThrow(expect.objectContaining({ kind: "invalid" }));
    expect(() => parseInvocationId(text)).toThrow(why);
  });
});

describe("an awakeable's id", () => {
  const secret = randomBytes(32);
  const entries = fc.integer({ min: 0, max: 0xffff_ffff });

  test("comes back from its public form, the same each time", () => {
    fc.assert(
      fc.property(ids, entries, (invocationId, entry) => {
        const text = formatAwakeableId({ invocationId, entry }, secret);
        expect(text).toBe(formatAwakeableId({ invocationId, entry }, secret));
        expect(parseAwakeableId(text, secret)).toEqual({ invocationId, entry });
      }),
    );
  });

  test("of an older version is the same: those that were given away go on counting", () => {
    const id = formatAwakeableId({ invocationId: 123_456_789_012, entry: 7 }, Buffer.alloc(32, 0xab));
    expect(id).toBe("sign_1AAAAHL6ZGhQAAAAH_G6cI6PV9SE");
  });

  test("with any bit changed is refused", () => {
    const text = formatAwakeableId({ invocationId: 1, entry: 2 }, secret);
    const bytes = Buffer.from(text.slice("sign_1".length), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const forged = `sign_1${changed.toString("base64url")}`;
      expect(() => parseAwakeableId(forged, secret)).toThrow(expect.objectContaining({ kind: "invalid" }));
    }
  });

  test.each(["", "sign_1", "sign_1!!!!", "prom_1AAAA", `sign_1${"A".repeat(27)}`, `sign_1${"A".repeat(28)}`])(
    "'%s' is refused",
    (text) => {
      expect(() => parseAwakeableId(text, secret)).toThrow(expect.objectContaining({ kind: "invalid" }));
    },
  );

  test("of another database is refused", () => {
    const text = formatAwakeableId({ invocationId: 1, entry: 2 }, randomBytes(32));
    expect(() => parseAwakeableId(text, secret)).toThrow("bad awakeable id");
  });
});
