import { type RolloutEvent, RolloutEventType as Type } from "../../client/index.ts";
import { type Fleet, readFleet } from "./fleet.ts";
import { StoryError } from "./stage.ts";
import { DEMO_KILL } from "./story.ts";
import { follow } from "../watching/follow.ts";
import type { Session } from "../session.ts";

/** What the log and the fleet tell about the kill. */
export interface KillEvidence {
  /** Number of events: they are numbered from 1 to this. */
  readonly events: number;
  /** Outcomes in the killed wave that had been told before the kill, and those after it. */
  readonly before: number;
  readonly after: number;
  /** Sentinels deployed so far, each of them once. */
  readonly deployed: number;
  readonly fleet: Fleet;
}

/**
 * Reads every event of the log and the generation of every sentinel.
 *
 * @throws StoryError where something was lost, or done twice.
 */
export async function readKillEvidence(session: Session, atStart: Fleet, killedAt: bigint): Promise<KillEvidence> {
  const events = await readLog(session);
  const gap = events.find(({ sequence }, index) => sequence !== BigInt(index + 1));
  if (gap !== undefined) throw new StoryError(`the log of events is not without a gap at ${gap.sequence}.`);
  const deploys = events.filter(({ type }) => type === Type.SENTINEL_DEPLOYING);
  const deployed = new Set(deploys.map(({ sentinelId }) => sentinelId));
  const fleet = await readFleet(session);
  const onceEach = [...fleet.values()].every(({ id, generation }) => {
    return generation - (atStart.get(id)?.generation ?? 0n) === (deployed.has(id) ? 1n : 0n);
  });
  if (deploys.length !== deployed.size || !onceEach)
    throw new StoryError("not every sentinel was deployed exactly once.");
  const outcomes = events.filter(({ type, waveIndex }) => waveIndex === DEMO_KILL.waveIndex && isOutcome(type));
  const before = outcomes.filter(({ sequence }) => sequence <= killedAt).length;
  return { events: events.length, before, after: outcomes.length - before, deployed: deployed.size, fleet };
}

function isOutcome(type: Type): boolean {
  return type === Type.SENTINEL_READY || type === Type.SENTINEL_FAILED;
}

/** Every event, from the first to the one that is the latest now. */
async function readLog({ client, interrupted: signal }: Session): Promise<RolloutEvent[]> {
  let latest = 0n;
  for await (const { message } of follow(client, { signal })) {
    if (message.case !== "snapshot") continue;
    latest = message.value.sequence;
    break;
  }
  const events: RolloutEvent[] = [];
  for await (const { message } of follow(client, { afterSequence: 0n, signal })) {
    if (message.case === "event") events.push(message.value);
    if (message.case === "event" && message.value.sequence >= latest) break;
  }
  return events;
}
