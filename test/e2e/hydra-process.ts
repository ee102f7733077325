import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { eventually } from "../support/eventually.ts";

const PROGRAM = path.join(import.meta.dirname, "../../bin/hydra.js");

/** A `hydra` that was started by a test, as a user starts it. Killed at the end of its scope. */
export interface HydraProcess extends AsyncDisposable {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** How it ended: its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `hydra` with a command line; settings of the test's own environment do not reach it. */
export function startHydraProcess(
  args: readonly string[],
  env: Record<string, string> = {},
  program = PROGRAM,
): HydraProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...withoutSettings(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      end(child);
      await exited;
    },
  };
}

/** Runs `hydra` to its end. */
export async function runHydra(args: readonly string[], env: Record<string, string> = {}) {
  await using hydra = startHydraProcess(args, env);
  const exit = await hydra.exited;
  return { exit, stdout: hydra.stdout(), stderr: hydra.stderr() };
}

/** Waits for the line that says where a server listens. */
export async function urlOf(server: HydraProcess): Promise<string> {
  return eventually(
    () => {
      const url = /^listening on (https?:\/\/127\.0\.0\.1:\d+)$/m.exec(server.stdout())?.[1];
      if (url === undefined) throw new Error(`not listening yet: ${server.stderr()}`);
      return url;
    },
    { timeoutMs: 30_000 },
  );
}

function end(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}

/** The environment of the test without settings of hydra. */
export function withoutSettings(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => {
    return name !== "DATABASE_URL" && (!name.startsWith("HYDRA_") || name === "HYDRA_TEST_FILE");
  });
  return Object.fromEntries(kept);
}
