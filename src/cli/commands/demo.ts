import { readKillEvidence } from "../demo/evidence.ts";
import { type Fleet, readFleetOnceBack, readFleetOnceUp } from "../demo/fleet.ts";
import { killInMidWave } from "../demo/kill.ts";
import { imageTable } from "../demo/images.ts";
import { Stage, StoryError } from "../demo/stage.ts";
import { DEMO_COMMANDS, DEMO_IMAGE, DEMO_KILL, DEMO_WAVES } from "../demo/story.ts";
import { ExitCode } from "../exit-codes.ts";
import { explainFailure } from "../failure.ts";
import type { DemoServer } from "../demo/play-demo.ts";
import type { Session } from "../session.ts";
import { resume } from "./resume.ts";
import { rollback } from "./rollback.ts";
import { rollout } from "./rollout.ts";

const [ROLLOUT, RESUME, ROLLBACK] = DEMO_COMMANDS;

/** `hydra demo`, the operator's part: the very commands that an operator would type. */
export async function demo(
  server: DemoServer,
  surroundings: Pick<Session, "terminal" | "interrupted">,
): Promise<ExitCode> {
  const stage = new Stage(server, surroundings);
  try {
    await play(stage);
    return ExitCode.DONE;
  } catch (error) {
    if (surroundings.interrupted.aborted) return ExitCode.INTERRUPTED;
    const { message } = explainFailure(error, { url: server.url, token: undefined });
    surroundings.terminal.complain(`The demo did not go as it should: ${message}`);
    return ExitCode.ERROR;
  }
}

async function play(stage: Stage): Promise<void> {
  const atStart = await readFleetOnceUp(stage.session);
  await stage.tell(
    [
      `The fleet is up; its server: ${stage.server.url}`,
      "What the fleet runs, counted from what the server lists:",
      ...imageTable({ sentinels: atStart }),
    ],
    `All ${atStart.size} get ${DEMO_IMAGE} now: a few at first, then more and more. Not all of them will take it.`,
  );
  await firstWaves(stage);
  const killedAt = await resumeUnderKill(stage);
  const beforeRollback = await tellKill(stage, atStart, killedAt);
  await goBack(stage, atStart, beforeRollback);
  stage.list(YOUR_TURN);
}

async function firstWaves(stage: Stage): Promise<void> {
  stage.type(ROLLOUT);
  const options = { image: DEMO_IMAGE, waves: DEMO_WAVES, slackWebhookUrl: undefined, detach: false };
  expectPause(stage, await rollout(stage.session, options));
  const { rollout: paused } = await stage.session.client.rollouts.getRollout({});
  const { total = 0, ready = 0, failed = 0 } = paused ?? {};
  await stage.tell(
    [],
    `${failed} failed. The others of its wave went on to their end, then the rollout stopped: ${total - ready - failed} ` +
      `of ${total} are untouched. We take it for a single failure and go on. In the middle of the next wave, the ` +
      "server will be killed.",
  );
}

/** Returns the last event before the kill. */
async function resumeUnderKill(stage: Stage): Promise<bigint> {
  stage.type(RESUME);
  const over = new AbortController();
  const [resumed, killed] = await Promise.allSettled([
    resume(stage.session, { rolloutId: undefined, detach: false }).finally(() => over.abort()),
    killInMidWave(stage, over.signal),
  ]);
  if (resumed.status === "rejected") throw resumed.reason;
  if (killed.status === "rejected") throw killed.reason;
  expectPause(stage, resumed.value);
  return killed.value;
}

/** Returns the fleet as it is with everything in place. */
async function tellKill(stage: Stage, atStart: Fleet, killedAt: bigint): Promise<Fleet> {
  const { events, before, after, deployed, fleet } = await readKillEvidence(stage.session, atStart, killedAt);
  await stage.tell(
    [
      "What the kill has left behind, read from the server:",
      `  log     events 1 to ${events}, none missing, none twice`,
      `  wave ${DEMO_KILL.waveIndex + 1}  ${before} outcomes before the kill, ${after} after it`,
      `  fleet   ${deployed} sentinels deployed, each once: generation + 1`,
    ],
    "Nothing lost, nothing done twice. But a second sentinel has failed: one may be chance, two are not. " +
      "All of it goes back.",
  );
  return fleet;
}

async function goBack(stage: Stage, atStart: Fleet, beforeRollback: Fleet): Promise<void> {
  stage.type(ROLLBACK);
  const code = await rollback(stage.session, { rolloutId: undefined });
  stage.session.interrupted.throwIfAborted();
  if (code !== ExitCode.DONE) throw new StoryError("the rollback did not bring everything back.");
  const now = await readFleetOnceBack(stage.session, atStart);
  stage.list([
    `Each of the ${now.size} runs the image that it ran at the start:`,
    ...imageTable({ before: atStart, "rolled out": beforeRollback, now }),
  ]);
}

function expectPause({ session }: Stage, code: ExitCode): void {
  session.interrupted.throwIfAborted();
  if (code !== ExitCode.PAUSED) throw new StoryError("the rollout should have paused, and did not.");
}

const YOUR_TURN = [
  "Your turn:",
  "  npx hydra dev       a server like this one that stays up",
  "  npx hydra --help    everything else",
];
