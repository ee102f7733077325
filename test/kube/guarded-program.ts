import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Socket } from "node:net";

// The shell leaves a guard behind and turns into the program. The guard reads a pipe that only the test run holds open:
// it closes without a word when the run is dead, whatever killed it, and the guard kills the program. A line says that
// the program has ended and the guard is no longer needed.
const GUARD = `
( ( read -r word <&3 && exit; kill -KILL $$ ) </dev/null >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
`;

/** A program that does not outlive the test run. */
export interface GuardedProgram {
  readonly pid: number;
  /** Whether it has ended. */
  readonly ended: () => boolean;
  /** The end of what it wrote, for a message. */
  readonly lastWords: () => string;
  /** Sends a signal, unless it has ended, and waits for its end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts it in `directory`, which becomes its home, too; its output goes to a file there. */
export async function startGuarded(file: string, args: readonly string[], directory: string): Promise<GuardedProgram> {
  const logFile = path.join(directory, `${path.basename(file)}.log`);
  const log = openSync(logFile, "a");
  const child = spawn("/bin/sh", ["-c", GUARD, "guard", file, ...args], {
    cwd: directory,
    env: { PATH: process.env["PATH"], HOME: directory, HYDRA_TEST_FILE: process.env["HYDRA_TEST_FILE"] },
    stdio: ["ignore", log, log, "pipe"],
    // A Ctrl-C in the terminal is the test run's to handle.
    detached: true,
  });
  closeSync(log);
  await once(child, "spawn");
  const pipe = child.stdio[3] as Socket;
  pipe.on("error", () => {}).resume();
  const exited = once(child, "exit").then(() => void pipe.end("\n"));
  return {
    pid: child.pid as number,
    ended: () => child.exitCode !== null || child.signalCode !== null,
    lastWords: () => readFileSync(logFile, "utf8").split("\n").slice(-6).join("\n"),
    async end(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
