import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RolloutEventSchema } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { EventRing } from "../../../src/server/watch/event-ring.ts";

function ringWith(capacity: number, from: number, count: number): EventRing {
  const ring = new EventRing(capacity);
  ring.reset(BigInt(from));
  for (let i = 1; i <= count; i++) ring.append(create(RolloutEventSchema, { sequence: BigInt(from + i) }));
  return ring;
}

test("any position: it is either behind the ring, or the page that follows it is complete and in order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(50),
      fc.nat(60),
      fc.nat(130),
      fc.integer({ min: 1, max: 30 }),
      (capacity, from, count, position, limit) => {
        const page = ringWith(capacity, from, count).after(BigInt(position), limit);
        const end = from + count;
        const isBehind = position < Math.max(from, end - capacity);
        const length = Math.max(0, Math.min(limit, end - position));
        const sequences = Array.from({ length }, (_, i) => position + i + 1);
        const expected = { sequences, end: sequences.at(-1) ?? position };
        expect(page && { sequences: page.events.map((e) => Number(e.sequence)), end: Number(page.end) }).toEqual(
          isBehind ? undefined : expected,
        );
      },
    ),
  );
});

test("an event that is not the next one: what was held before it is no longer served", () => {
  const ring = ringWith(10, 0, 5);
  ring.append(create(RolloutEventSchema, { sequence: 9n }));
  expect(ring.after(5n, 10)).toBeUndefined();
  expect(ring.after(8n, 10)?.events.map(({ sequence }) => sequence)).toEqual([9n]);
});
