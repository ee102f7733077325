import { DEMO_FLEET } from "./story.ts";
import type { ExitCode } from "../exit-codes.ts";
import { wrapText } from "../fit-text.ts";
import type { Terminal } from "../terminal.ts";

/** The server that the demo plays with. */
export interface DemoServer {
  readonly url: string;
  /** kill -9. Resolves, with its process id, once that process and its Postgres are gone. */
  kill(): Promise<number>;
  /** Starts it again, at the same address and on the same data; resolves with its process id. */
  startAgain(): Promise<number>;
}

export interface DemoOptions {
  terminal: Terminal;
  interrupted: AbortSignal;
  /** Starts hydra with the demo's fleet. */
  startServer: () => Promise<DemoServer>;
}

/**
 * Plays the demo; the code for it is loaded while the server starts.
 *
 * @returns DONE after the whole story, ERROR where it went otherwise (which has been said), INTERRUPTED.
 * @throws what `startServer` throws.
 */
export async function playDemo({ startServer, ...surroundings }: DemoOptions): Promise<ExitCode> {
  const { terminal } = surroundings;
  for (const line of INTRODUCTION.flatMap((text) => wrapText(text, terminal.size().columns - 1))) terminal.print(line);
  const loading = import("../commands/demo.ts");
  // Told below: a server that is being started is waited for in any case.
  loading.catch(() => {});
  const server = await startServer();
  const { demo } = await loading;
  return demo(server, surroundings);
}

const INTRODUCTION = [
  "hydra rolls an image out over a fleet in waves. If one fails, it stops and you decide.",
  "",
  `Starting a server with a Postgres of its own, and a simulated cluster of ${DEMO_FLEET.length} sentinels.`,
];
