import { type RolloutEvent, RolloutEventType } from "../../client/index.ts";
import { type Stage, StoryError } from "./stage.ts";
import { DEMO_KILL } from "./story.ts";

/**
 * Kills the server in the middle of a wave and starts it again, while some
 * command draws the rollout.
 *
 * @returns the last event that was told before.
 * @throws StoryError where `commandOver` aborts before the wave has come so far.
 */
export async function killInMidWave(stage: Stage, commandOver: AbortSignal): Promise<bigint> {
  const { client, interrupted } = stage.session;
  const signal = AbortSignal.any([interrupted, commandOver]);
  let killed: Promise<number> | undefined;
  let last: RolloutEvent | undefined;
  try {
    for await (const { message } of client.rollouts.watch({}, { signal })) {
      if (message.case !== "event") continue;
      last = message.value;
      if (isTheMoment(last)) killed ??= stage.server.kill();
    }
  } catch (error) {
    // The connection ends with its server.
    if (killed === undefined && !signal.aborted) throw error;
  }
  if (killed === undefined || last === undefined) {
    throw new StoryError("the rollout stopped before its server could be killed.");
  }
  const { waveIndex = 0, waveReady, waveSize, sequence } = last;
  const reached = `with ${waveReady} of ${waveSize} sentinels of wave ${waveIndex + 1} ready`;
  stage.note(`kill -9 ${await killed}, ${reached}: the server and its Postgres are gone.`);
  const pid = await stage.server.startAgain();
  stage.note(`Started again (process ${pid}): same address, same data. The bars go on where they were.`);
  return sequence;
}

function isTheMoment({ type, waveIndex, waveReady = 0 }: RolloutEvent): boolean {
  const reached = waveIndex === DEMO_KILL.waveIndex && waveReady >= DEMO_KILL.ready;
  return reached && type === RolloutEventType.SENTINEL_READY;
}
