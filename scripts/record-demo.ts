// Plays `hydra demo` in a terminal of its own and writes what is to be seen there to docs/demo.md.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import xterm from "@xterm/headless";

const root = path.dirname(import.meta.dirname);
const COLUMNS = 90;
const ROWS = 40;
/** A picture comes in several pieces: it is whole once nothing has come for so long. */
const STILL_MS = 30;

interface Moment {
  /** Said above the frame. */
  readonly sentence: string;
  /** The first screen that shows this, and not yet what the next moment shows, is the frame. */
  readonly shows: RegExp;
  /** The frame begins with the last line that does. */
  readonly from: RegExp;
}

/** In the order of the story. */
const MOMENTS: readonly Moment[] = [
  {
    sentence: "A server starts, a fleet comes up. Not all of it runs the same image.",
    shows: /them\s+will\s+take\s+it/,
    from: /hydra rolls/,
  },
  {
    sentence: "The first command. The second wave is on its way.",
    shows: / 2 +20% .* [3-6]\/9\b/,
    from: /\$ hydra rollout/,
  },
  {
    sentence: "A sentinel fails with its reason, and the rollout pauses once the wave is through.",
    shows: /server\s+will\s+be\s+killed/,
    from: /\$ hydra rollout/,
  },
  {
    sentence: "Resumed. In the middle of the third wave, the demo kills its server.",
    shows: /kill -9/,
    from: /\$ hydra resume/,
  },
  {
    sentence: "It is started again, and the same bars go on.",
    shows: /Started again[^]* 3 +50% .* (?:[89]|1[0-7])\/18\b/,
    from: /\$ hydra resume/,
  },
  {
    sentence: "The last wave has a failure, too. What the kill has left behind, the demo reads from the server.",
    shows: /Nothing lost/,
    from: /^Rollout .* is paused/,
  },
  {
    sentence: "Everything goes back, each sentinel to its own image.",
    shows: /rollback +\S+ +[2-4]\d of 58/,
    from: /\$ hydra rollback/,
  },
  {
    sentence: "The end.",
    shows: /--help +everything else/,
    from: /put back on/,
  },
];

const frames = await record();
const missed = MOMENTS.filter((_moment, index) => frames[index] === undefined);
if (missed.length > 0) {
  console.error(
    `not seen: ${missed.map(({ sentence }) => sentence).join(" ")}\nAgain, on a machine that is less busy.`,
  );
  process.exit(1);
}
writeFileSync(path.join(root, "docs/demo.md"), page(frames as string[]));

/** The frame of each moment that was seen, in order. */
async function record(): Promise<(string | undefined)[]> {
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, scrollback: 1_000, allowProposedApi: true });
  // `script` gives the demo a terminal; a shell in there says how large it is.
  const play = `stty cols ${COLUMNS} rows ${ROWS}; exec node bin/hydra.js demo`;
  const demo = spawn("script", ["--quiet", "--return", "--command", play, "/dev/null"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], TERM: "xterm-256color", LANG: "C.UTF-8", TZ: "UTC" },
  });
  const seen: string[] = [];
  const look = () => {
    const screen = textOf(terminal);
    const [moment, next] = MOMENTS.slice(seen.length);
    // One that was passed by is missing, and so are those after it.
    if (moment?.shows.test(screen) && !next?.shows.test(screen)) seen.push(frameOf(screen, moment));
  };
  let looking: NodeJS.Timeout | undefined;
  demo.stdout.on("data", (chunk: Buffer) => {
    terminal.write(chunk);
    clearTimeout(looking);
    looking = setTimeout(look, STILL_MS);
  });
  const [exitCode] = (await once(demo, "close")) as [number];
  await new Promise<void>((resolve) => terminal.write("", resolve));
  look();
  if (exitCode !== 0) throw new Error(`the demo ended with exit code ${exitCode}:\n${textOf(terminal)}`);
  return MOMENTS.map((_moment, index) => seen[index]);
}

/** What has been written so far, as it stands, what has scrolled out included. */
function textOf({ buffer }: InstanceType<typeof xterm.Terminal>): string {
  const { active } = buffer;
  const lines = Array.from(
    { length: active.length },
    (_, row) => active.getLine(row)?.translateToString().trimEnd() ?? "",
  );
  return lines.join("\n").trimEnd();
}

function frameOf(screen: string, { from }: Moment): string {
  const lines = screen.split("\n");
  return lines
    .slice(
      Math.max(
        0,
        lines.findLastIndex((line) => from.test(line)),
      ),
    )
    .join("\n")
    .trimEnd();
}

function page(all: readonly string[]): string {
  const scenes = MOMENTS.map(({ sentence }, index) => `${sentence}\n\n\`\`\`text\n${all[index]}\n\`\`\`\n`);
  return `# The demo

\`npm run demo\`, recorded in a terminal of ${COLUMNS} columns by \`node scripts/record-demo.ts\`. It takes well under a minute.

${scenes.join("\n")}`;
}
