// A program that cannot outlive hydra.
//
// /bin/sh starts first. It leaves a guard behind, a small process of its own,
// and turns into the program itself (exec): the program is hydra's direct child
// with the pid that the guard knows, and there is no instant at which it runs
// unguarded. The guard reads from a pipe that only hydra holds open:
//   G1. The pipe closes without a word: hydra is dead, whatever killed it. The
//       guard stops the program and removes the sockets it may have left.
//   G2. hydra writes a line: the program has ended, the guard goes too. So the
//       guard never signals a pid that may have been given to another process.
//   G3. The guard holds the launcher lock until it is done: a hydra started
//       meanwhile waits for it.
//   G4. The guard is no child of the program (two forks): Postgres takes a child
//       that it does not know, and that dies, for a crash.

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { ServerUser } from "./server-user.ts";

// File descriptors as the program and its guard see them.
const PIPE_FD = 3;
const LOCK_FD = 4;
/** The data directory, for a server whose user cannot walk its path. */
export const DIRECTORY_FD = 5;

// A program that has ended stays visible until its new parent collects it, which
// in a container may be never: such a one is as good as gone (`Z` in /proc).
const GUARD = `
( (
  runs() { kill -0 $$ && case "$(cat /proc/$$/stat)" in *") Z "*) false ;; esac; }
  read -r word <&${PIPE_FD} && exit
  for signal in INT QUIT KILL; do
    runs && kill -"$signal" $$ || break
    polls=600
    while [ "$polls" -gt 0 ] && runs; do sleep 0.05; polls=$((polls - 1)); done
  done
  [ -z "$1" ] || { rm -f "$1"/.s.PGSQL.*; rmdir "$1"; }
) </dev/null >/dev/null 2>&1 & )
shift
exec ${PIPE_FD}<&- ${LOCK_FD}<&-
exec "$@"
`;

export interface GuardedCommand {
  program: string;
  args: readonly string[];
  /** Undefined: the same user as hydra. */
  user: ServerUser | undefined;
  lockFd: number;
  /** Opened at DIRECTORY_FD in the program. */
  directoryFd?: number | undefined;
  /** Removed by the guard, with the sockets of Postgres in it. */
  socketDir?: string;
  /** Where standard output and error go. */
  output: number | "pipe";
}

/** How a process ended, as Node tells it: one of the two is null. */
export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  readonly pid: number;
  /** What the program writes to standard error; null where `output` is a file. */
  readonly stderr: Readable | null;
  readonly exited: Promise<ExitStatus>;
  /** Whether the program has ended. */
  readonly ended: boolean;
  /** Resolves once the program and its guard are both gone; does not end them. */
  readonly gone: Promise<void>;
  /** Lets hydra's own process end while the program still runs: the guard then stops it. */
  unref(): void;
  /** Takes `unref` back, to wait for the end of the program. */
  ref(): void;
}

/** Starts a program with its guard, in a session of its own, so that Ctrl-C in the terminal does not reach it. */
export async function startGuarded(command: GuardedCommand): Promise<GuardedProcess> {
  const { program, args, user, output, lockFd, directoryFd = "ignore", socketDir = "" } = command;
  const child = spawn("/bin/sh", ["-c", GUARD, "hydra-postgres-guard", socketDir, program, ...args], {
    ...user,
    stdio: ["ignore", output, output, "pipe", lockFd, directoryFd],
    detached: true,
    cwd: "/",
    // Nothing of hydra's own: PGDATA, PGOPTIONS or a locale would change what Postgres does.
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
  });
  await once(child, "spawn");
  const pipe = child.stdio[PIPE_FD] as Socket;
  // The guard was killed: its end is closed, and there is nobody to tell.
  pipe.on("error", () => {}).resume();
  // Nobody reads it, and an unread pipe holds the program up.
  child.stdout?.resume();
  const guardGone = new Promise((resolve) => pipe.once("close", resolve));
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once("exit", (code, signal) => {
      pipe.end("\n");
      resolve({ code, signal });
    });
  });
  return {
    pid: child.pid as number,
    stderr: child.stderr,
    exited,
    get ended() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    gone: Promise.all([exited, guardGone]).then(() => undefined),
    unref() {
      child.unref();
      pipe.unref();
    },
    ref() {
      child.ref();
      pipe.ref();
    },
  };
}
