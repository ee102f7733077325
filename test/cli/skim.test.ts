import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyView, emptyWave, type RolloutView } from "../../src/cli/view/rollout-view.ts";
import { applyEvent, applyPassedOver } from "../../src/cli/view/view-events.ts";
import { MAX_RECENT, skim } from "../../src/cli/watching/skim.ts";
import {
  type RolloutEvent,
  RolloutEventType as Type,
  type WatchResponse,
  WatchResponseSchema,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { pausedRollout, record, ROLLOUT_ID, viewAfter } from "./recorded-rollout.ts";

function bytesOf(event: RolloutEvent): Uint8Array {
  return toBinary(WatchResponseSchema, create(WatchResponseSchema, { message: { case: "event", value: event } }));
}

function eventIn({ message }: WatchResponse): RolloutEvent {
  if (message.case !== "event") throw new Error(`a ${message.case}`);
  return message.value;
}

/** The view of a picture, given events in groups that came together; and how many of them were read. */
function skimmed(groups: readonly (readonly RolloutEvent[])[], before = emptyView()) {
  let view = before;
  let read = 0;
  for (const group of groups) {
    for (const { data, passedOver } of skim(group.map(bytesOf))) {
      const event = eventIn(fromBinary(WatchResponseSchema, data));
      if (passedOver) view = applyPassedOver(view, event, passedOver);
      view = applyEvent(view, event);
      read += 1;
    }
  }
  return { view, read };
}

/** What `deploying` counts down from, so that it stays above zero. */
const MANY_DEPLOYING: RolloutView = {
  ...emptyView(),
  rolloutId: ROLLOUT_ID,
  waves: [0, 1, 2].map((index) => ({ ...emptyWave(index), deploying: 1_000 })),
};

const happening = fc.record({
  type: fc.constantFrom(Type.SENTINEL_DEPLOYING, Type.SENTINEL_READY, Type.SENTINEL_READY, Type.SENTINEL_FAILED),
  waveIndex: fc.constantFrom(0, 0, 0, 1, 2),
  waveReady: fc.nat(1_000),
  waveFailed: fc.nat(3),
});

describe("skim()", () => {
  test("S1, S2 any events in groups of any size: the same view as of all of them", () => {
    fc.assert(
      fc.property(fc.array(fc.array(happening, { maxLength: 60 })), (groups) => {
        const events = record(groups.flat().map((fields) => [0, fields.type, fields]));
        let from = 0;
        const grouped = groups.map(({ length }) => events.slice(from, (from += length)));
        expect(skimmed(grouped, MANY_DEPLOYING).view).toEqual(events.reduce(applyEvent, MANY_DEPLOYING));
      }),
    );
  });

  test("S1 a whole rollout that came at once: the same view, of fewer events", () => {
    const { view, read } = skimmed([pausedRollout]);
    expect(view).toMatchObject({ ...viewAfter(pausedRollout), pace: expect.anything() });
    expect(read).toBeLessThan(pausedRollout.length);
  });

  test("thousands that begin and get ready: a few are read, the last one among them", () => {
    const types = [Type.SENTINEL_DEPLOYING, Type.SENTINEL_READY];
    const events = record(
      types.flatMap((type) => Array.from({ length: 2_000 }, () => [0, type, { waveIndex: 1, waveReady: 7 }] as const)),
    );
    const kept = skim(events.map(bytesOf));
    expect(kept).toHaveLength(MAX_RECENT);
    expect(kept[0]?.passedOver).toEqual({ begun: 2_000, ready: 2_000 - MAX_RECENT });
    expect(kept.at(-1)?.data).toEqual(bytesOf(events.at(-1)!));
  });

  test("S3 late news of another rollout in between: all are read", () => {
    const ready = [0, Type.SENTINEL_READY, { waveIndex: 0 }] as const;
    const other = [0, Type.SENTINEL_READY, { waveIndex: 0, rolloutId: "rol_other" }] as const;
    const events = record(Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? other : ready)));
    const { view, read } = skimmed([events], MANY_DEPLOYING);
    expect(view).toEqual(events.reduce(applyEvent, MANY_DEPLOYING));
    expect(read).toBe(events.length);
  });

  test.each([
    [
      "a heartbeat",
      toBinary(WatchResponseSchema, create(WatchResponseSchema, { message: { case: "heartbeat", value: {} } })),
    ],
    ["nothing", new Uint8Array()],
    ["what is cut off", bytesOf(record([[0, Type.SENTINEL_READY, { waveIndex: 0 }]])[0]!).subarray(0, 9)],
    ["what is no message", Uint8Array.from({ length: 20 }, () => 0xff)],
  ])("S4 %s among events: kept as it is", (_what, data) => {
    const event = bytesOf(record([[0, Type.SENTINEL_DEPLOYING, { waveIndex: 0 }]])[0]!);
    expect(skim([event, data, event, event])).toEqual([
      { data: event, passedOver: undefined },
      { data, passedOver: undefined },
      { data: event, passedOver: { begun: 1, ready: 0 } },
    ]);
  });
});
