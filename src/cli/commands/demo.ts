import { setTimeout as delay } from "node:timers/promises";
import { DEMO_FAILING, DEMO_IMAGE, DEMO_SENTINELS, DEMO_WAVES } from "../demo-story.ts";
import { ExitCode } from "../exit-codes.ts";
import { wrapText } from "../fit-text.ts";
import { createSession, type Session } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import { resume } from "./resume.ts";
import { rollout } from "./rollout.ts";

const READING_MS_PER_CHARACTER = 15;

/** `hydra demo`, the operator's part: the very commands that an operator would type. */
export async function demo(url: string, surroundings: Pick<Session, "terminal" | "interrupted">): Promise<ExitCode> {
  const session = createSession({ url }, surroundings);
  const { terminal } = session;
  await tell(session, BEFORE);
  type(terminal, `hydra rollout ${DEMO_IMAGE} --waves ${DEMO_WAVES.join(",")}`);
  const options = { image: DEMO_IMAGE, waves: DEMO_WAVES, slackWebhookUrl: undefined, detach: false };
  const first = await rollout(session, options);
  if (first !== ExitCode.PAUSED) return first === ExitCode.DONE ? ExitCode.ERROR : first;

  await tell(session, IN_BETWEEN);
  type(terminal, "hydra resume");
  const second = await resume(session, { rolloutId: undefined, detach: false });
  if (second !== ExitCode.DONE) return second;
  sayParagraph(terminal, AFTER);
  for (const line of YOUR_TURN) terminal.print(line);
  return ExitCode.DONE;
}

/** A paragraph, and the time to read it. */
async function tell({ terminal, interrupted }: Session, text: string): Promise<void> {
  sayParagraph(terminal, text);
  await delay(text.length * READING_MS_PER_CHARACTER, undefined, { signal: interrupted }).catch(() => {});
}

function sayParagraph(terminal: Terminal, text: string): void {
  const columns = Math.min(terminal.size().columns, 100) - 1;
  for (const line of ["", ...wrapText(text, columns), ""]) terminal.print(line);
}

function type({ print, style }: Terminal, command: string): void {
  print(style.colors.cyan(`$ ${command}`));
  print("");
}

const BEFORE =
  `It is up: ${DEMO_SENTINELS} sentinels run v1.0.0. They all get ${DEMO_IMAGE} now, a few at first, ` +
  "then more and more. One of them will not like it.";

const IN_BETWEEN =
  `${DEMO_FAILING} failed. The others of its wave went on to their end, then the rollout stopped: the last wave has ` +
  "not begun, and half of the fleet is untouched. It waits for an operator, even if the server is killed meanwhile: " +
  "all of this is in Postgres. We take it for a single failure and go on.";

const AFTER = `The rest of the fleet has the image; ${DEMO_FAILING} stays listed as failed.`;

const YOUR_TURN = [
  "Your turn:",
  "  npx hydra dev       a server like this one that stays up, with lines to paste",
  "  npx hydra --help    everything else",
];
