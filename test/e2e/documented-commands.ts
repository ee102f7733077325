import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import { eventually } from "../support/eventually.ts";

/** Commands of a page, with what the page says that they print. */
export interface DocumentedCommands {
  /** The nearest heading above. */
  readonly heading: string;
  /** The first command. */
  readonly title: string;
  readonly commands: string;
  /** Lines, or parts of lines, in their order; `…` stands for anything. */
  readonly output: readonly string[];
}

const BLOCK = /^#+ (?<heading>[^\n]+)$|^```sh\n(?<commands>[^`]*?)\n```(?:\n\n```text\n(?<output>.*?)\n```)?$/gms;

/** All blocks of `sh` on a page, each with the block of `text` that follows it. */
export function documentedCommands(page: string): DocumentedCommands[] {
  const found: DocumentedCommands[] = [];
  let heading = "";
  for (const { groups } of page.matchAll(BLOCK)) {
    heading = groups?.["heading"] ?? heading;
    const commands = groups?.["commands"];
    if (commands === undefined) continue;
    const [title = ""] = commands.split("\n");
    found.push({ heading, title, commands, output: groups?.["output"]?.split("\n") ?? [] });
  }
  return found;
}

/** Runs them; those that run "until Ctrl-C" are ended once they have printed what the page says. */
export async function expectOutput({ commands, output }: DocumentedCommands, prelude: string): Promise<void> {
  const shell = spawn("bash", ["-c", `exec 2>&1\n${prelude}\n${commands}`], {
    detached: true,
    // npx would leave its cache in the temporary directory.
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  shell.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
  const ended = once(shell, "close");
  try {
    if (commands.includes("until Ctrl-C")) await eventually(() => expect(printed).toMatch(inOrder(output)));
    else await ended;
    expect(printed).toMatch(inOrder(output));
  } finally {
    // The whole group: Ctrl-C reaches every program of the pipe, too.
    if (shell.exitCode === null) process.kill(-(shell.pid ?? 0), "SIGINT");
    await ended;
  }
}

function inOrder(lines: readonly string[]): RegExp {
  const escape = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(lines.map((line) => line.trim().split("…").map(escape).join(".*")).join(".*"), "s");
}
