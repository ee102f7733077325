import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type RolloutEvent,
  RolloutEventSchema,
  RolloutEventType as Type,
  RolloutSchema,
  SentinelRolloutState as State,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { emptyView, type RolloutView } from "../../src/cli/view/rollout-view.ts";
import { applyEvent } from "../../src/cli/view/view-events.ts";

/** Noon of some day, in milliseconds; events are told relative to it. */
export const NOON = Date.UTC(2026, 0, 15, 12);
export const ROLLOUT_ID = "rol_0a1b2c3d4e5f";
export const IMAGE = "ghcr.io/acme/sentinel:v1.2.3";

type Fields = Omit<Partial<RolloutEvent>, "$typeName" | "$unknown" | "sequence" | "time">;

/** A list of events with consecutive numbers, each `ms` after noon. */
export function record(happenings: readonly (readonly [ms: number, type: Type, fields?: Fields])[]): RolloutEvent[] {
  return happenings.map(([ms, type, fields], index) =>
    create(RolloutEventSchema, {
      rolloutId: ROLLOUT_ID,
      state: State.IN_PROGRESS,
      type,
      ...fields,
      sequence: BigInt(index + 1),
      time: timestampFromMs(NOON + ms),
    }),
  );
}

/** The view after all of them, with the plan as the server has it. */
export function viewAfter(events: readonly RolloutEvent[]): RolloutView {
  return events.reduce(applyEvent, emptyView());
}

/** Twenty sentinels in waves of 2, 8 and 10; one of the second wave fails, the rollout pauses. */
export const pausedRollout = record([
  [0, Type.ROLLOUT_STARTED, { image: IMAGE, total: 20 }],
  [100, Type.WAVE_STARTED, { waveIndex: 0, waveSize: 2, waveReady: 0, waveFailed: 0 }],
  ...deploys(200, 0, 2, [1, 2]),
  [2_000, Type.WAVE_COMPLETED, { waveIndex: 0, waveSize: 2, waveReady: 2, waveFailed: 0 }],
  [2_100, Type.WAVE_STARTED, { waveIndex: 1, waveSize: 8, waveReady: 0, waveFailed: 0 }],
  ...deploys(2_200, 1, 8, [3, 4, 5, 6, 7, 8, 9], 10),
  [5_000, Type.WAVE_COMPLETED, { waveIndex: 1, waveSize: 8, waveReady: 7, waveFailed: 1 }],
  [5_000, Type.ROLLOUT_PAUSED, { state: State.PAUSED, reason: "1 sentinel of the wave failed" }],
]);

function deploys(from: number, waveIndex: number, waveSize: number, ready: number[], failing?: number) {
  const ids = failing === undefined ? ready : [...ready, failing];
  const wave = { waveIndex, waveSize, image: IMAGE };
  const begun = ids.map(
    (id) => [from, Type.SENTINEL_DEPLOYING, { ...wave, waveReady: 0, waveFailed: 0, sentinelId: nameOf(id) }] as const,
  );
  const done = ready.map(
    (id, index) =>
      [
        from + 200 * (index + 1),
        Type.SENTINEL_READY,
        { ...wave, waveReady: index + 1, waveFailed: 0, sentinelId: nameOf(id) },
      ] as const,
  );
  const failed = [failing]
    .filter((id) => id !== undefined)
    .map(
      (id) =>
        [
          from + 2_000,
          Type.SENTINEL_FAILED,
          {
            ...wave,
            waveReady: ready.length,
            waveFailed: 1,
            sentinelId: nameOf(id),
            reason: "the image cannot be pulled: not found in its registry",
            reasonClass: "image_pull",
          },
        ] as const,
    );
  return [...begun, ...done, ...failed];
}

function nameOf(id: number): string {
  return `snt_${String(id).padStart(6, "0")}`;
}

/** The same rollout as GetRollout tells its plan. */
export const plan = create(RolloutSchema, {
  id: ROLLOUT_ID,
  image: IMAGE,
  total: 20,
  waves: [
    { index: 0, percentage: 10, size: 2 },
    { index: 1, percentage: 50, size: 8 },
    { index: 2, percentage: 100, size: 10 },
  ],
});
