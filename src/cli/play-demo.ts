import type { ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

export interface DemoOptions {
  terminal: Terminal;
  interrupted: AbortSignal;
  /** Starts hydra with the demo's fleet; resolves with its address. */
  startServer: () => Promise<string>;
}

/** Plays the demo; the code for it is loaded while the server starts. */
export async function playDemo({ startServer, ...surroundings }: DemoOptions): Promise<ExitCode> {
  for (const line of INTRODUCTION) surroundings.terminal.print(line);
  const [url, { demo }] = await Promise.all([startServer(), import("./commands/demo.ts")]);
  return demo(url, surroundings);
}

const INTRODUCTION = [
  "hydra rolls an image out over a fleet in waves. If one fails, it stops and you decide.",
  "",
  "Starting a server with a Postgres of its own and a simulated fleet.",
];
