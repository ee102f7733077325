import { setTimeout as delay } from "node:timers/promises";
import { type Sentinel, SentinelHealth } from "../../client/index.ts";
import { StoryError } from "./stage.ts";
import { DEMO_FLEET } from "./story.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

/** The demo's fleet as the server lists it, by id. */
export type Fleet = ReadonlyMap<string, Sentinel>;

const UP_WITHIN_MS = 60_000;
const POLL_MS = 50;

export async function readFleet({ client, interrupted }: Session): Promise<Fleet> {
  const { sentinels } = await callDurably(
    (options) => client.sentinels.listSentinels({ pageSize: DEMO_FLEET.length }, options),
    interrupted,
  );
  return new Map(sentinels.map((sentinel) => [sentinel.id, sentinel]));
}

/**
 * Waits until every sentinel has been seen running, healthy, what it should.
 *
 * @throws StoryError where that takes longer than a minute.
 */
export async function readFleetOnceUp(session: Session): Promise<Fleet> {
  const deadline = performance.now() + UP_WITHIN_MS;
  for (;;) {
    const fleet = await readFleet(session);
    const up = [...fleet.values()].filter(isUp).length;
    if (up === DEMO_FLEET.length) return fleet;
    if (performance.now() > deadline) {
      throw new StoryError(`only ${up} of ${DEMO_FLEET.length} sentinels came up within a minute.`);
    }
    await delay(POLL_MS, undefined, { signal: session.interrupted });
  }
}

/** @throws StoryError unless each sentinel runs the very image that it ran at the start. */
export async function readFleetOnceBack(session: Session, atStart: Fleet): Promise<Fleet> {
  const fleet = await readFleet(session);
  const elsewhere = [...atStart.values()].filter(({ id, runningImage }) => {
    return fleet.get(id)?.runningImage !== runningImage;
  });
  if (elsewhere.length === 0) return fleet;
  throw new StoryError(`${elsewhere.length} of ${atStart.size} sentinels do not run what they ran at the start.`);
}

function isUp({ health, runningImage, image }: Sentinel): boolean {
  return health === SentinelHealth.HEALTHY && runningImage === image;
}
