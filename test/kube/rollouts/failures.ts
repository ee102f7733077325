import { type HydraClient, RolloutEventType } from "../../../src/client/index.ts";

/** Why a sentinel failed, as the events tell it. */
export interface SentinelFailure {
  readonly class: string;
  readonly reason: string;
}

/** The failures of the latest rollout so far, by sentinel. */
export async function failuresOf({ rollouts }: HydraClient): Promise<Record<string, SentinelFailure>> {
  const { rollout } = await rollouts.getRollout({});
  const rolloutId = rollout?.id ?? "";
  const latest = await latestSequence(rollouts, rolloutId);
  const failures: Record<string, SentinelFailure> = {};
  for await (const { message } of rollouts.watch({ rolloutId, afterSequence: 0n })) {
    if (message.case === "event" && message.value.type === RolloutEventType.SENTINEL_FAILED) {
      const { sentinelId, reasonClass, reason } = message.value;
      failures[sentinelId] = { class: reasonClass, reason };
    }
    if (message.value && "sequence" in message.value && message.value.sequence >= latest) break;
  }
  return failures;
}

async function latestSequence(rollouts: HydraClient["rollouts"], rolloutId: string): Promise<bigint> {
  for await (const { message } of rollouts.watch({ rolloutId })) {
    if (message.case === "snapshot") return message.value.sequence;
  }
  throw new Error("the Watch ended without a snapshot");
}
