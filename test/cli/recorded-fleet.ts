import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Invocation, InvocationSchema, InvocationStatus } from "../../src/gen/hydra/v1/engine_pb.ts";
import {
  type Sentinel,
  SentinelDeployStatus,
  SentinelDesiredState,
  SentinelHealth,
  SentinelSchema,
} from "../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  type Rollout,
  RolloutSchema,
  SentinelRolloutState as State,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";

/** An instant that reads the same in every time zone. */
export function at(minute: number) {
  return timestampFromDate(new Date(2026, 10, 24, 12, minute, 5));
}

/** Sentinels of a made-up fleet; every third failed, with a reason that would clear a terminal. */
export function sentinelsOf(count: number): Sentinel[] {
  return Array.from({ length: count }, (_, index) => {
    const failed = index % 3 === 2;
    return create(SentinelSchema, {
      id: `snt_${String(index + 1).padStart(6, "0")}`,
      regionId: "eu-west-1",
      image: "registry.example.com/platform/sentinel:v2.1.0",
      runningImage: failed
        ? "registry.example.com/platform/sentinel:v2.0.9"
        : "registry.example.com/platform/sentinel:v2.1.0",
      desiredState: SentinelDesiredState.RUNNING,
      health: failed ? SentinelHealth.UNHEALTHY : SentinelHealth.HEALTHY,
      desiredReplicas: 3,
      availableReplicas: failed ? 1 : 3,
      deployStatus: failed ? SentinelDeployStatus.FAILED : SentinelDeployStatus.READY,
      deployReason: failed ? "the container crashes:\u001b[2J\nexit code 137 after 2 s, 5 times" : "",
      generation: 4n,
    });
  });
}

/** The newest first. */
export const recordedRollouts: readonly Rollout[] = [
  create(RolloutSchema, {
    id: "rol_0000000003",
    image: "registry.example.com/platform/sentinel:v2.1.0",
    state: State.ROLLING_BACK,
    total: 12_000,
    ready: 8_100,
    failed: 12,
    skipped: 3,
    reverted: 900,
    createdAt: at(30),
    endedAt: at(41),
  }),
  create(RolloutSchema, {
    id: "rol_0000000002",
    image: "sentinel:v2",
    state: State.COMPLETED,
    total: 20,
    ready: 20,
    createdAt: at(10),
    endedAt: at(12),
  }),
];

export const recordedInvocations: readonly Invocation[] = [
  create(InvocationSchema, {
    id: "inv_10000000002",
    service: "hydra.v1.SentinelService",
    key: "snt_000001",
    handler: "Deploy",
    status: InvocationStatus.PARKED,
    attempts: 20,
    failure: "out of attempts: the journal does not match the handler",
    createdAt: at(31),
  }),
  create(InvocationSchema, {
    id: "inv_10000000001",
    service: "hydra.v1.SentinelRolloutService",
    key: "singleton",
    handler: "Rollout",
    status: InvocationStatus.SUCCEEDED,
    attempts: 1,
    createdAt: at(30),
    completedAt: at(41),
    input: '{"image":"sentinel:v2"}',
  }),
];
