import fc from "fast-check";
import { expect, test } from "vitest";
import { joinEnvelope, splitEnvelopes } from "../../src/cli/watching/envelope.ts";

test("any messages, cut anywhere: the same messages", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 })),
      fc.array(fc.integer({ min: 1, max: 50 })),
      (messages, cuts) => {
        const wire = Buffer.concat(messages.map(joinEnvelope));
        const found: Uint8Array[] = [];
        let rest: Uint8Array = new Uint8Array();
        for (let at = 0, n = 0; at < wire.length; n++) {
          const length = cuts[n % Math.max(1, cuts.length)] ?? wire.length;
          const split = splitEnvelopes(rest, wire.subarray(at, at + length));
          found.push(...split.envelopes.map(({ data }) => data));
          rest = split.rest;
          at += length;
        }
        expect(rest).toHaveLength(0);
        expect(found.map((data) => [...data])).toEqual(messages.map((data) => [...data]));
      },
    ),
  );
});

test("the last envelope: known by its flag", () => {
  const end = joinEnvelope(new TextEncoder().encode("{}"));
  end[0] = 2;
  expect(splitEnvelopes(new Uint8Array(), end).envelopes).toMatchObject([{ isEnd: true }]);
});

test.each([
  [[1, 0, 0, 0, 0], "flags 1"],
  [[3, 0, 0, 0, 0], "flags 3"],
  [[0x48, 0x54, 0x54, 0x50, 0x2f], "flags 72"],
  [[0, 0xff, 0xff, 0xff, 0xff], "4294967295 bytes"],
])("%j, a message that nobody asked for: refused before it is read", (bytes, why) => {
  expect(() => splitEnvelopes(new Uint8Array(), Uint8Array.from(bytes))).toThrow(why);
});
