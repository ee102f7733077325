import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { StartGivenUpError, UserError } from "./user-error.ts";

export interface ChildServerOptions {
  /** Command line of hydra. */
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Gives the start up. */
  signal: AbortSignal;
}

export interface ChildServer {
  readonly url: string;
  /** Resolves once the process is gone. */
  stop(): Promise<void>;
}

const LISTENING = /^listening on (\S+)$/;
const STOP_PATIENCE_MS = 10_000;
const MAX_COMPLAINT = 4_000;

/**
 * Runs hydra as a child that ends when this process does, however that ends
 * (by the IPC channel). It has a process group of its own: Ctrl-C is for this process alone.
 */
export async function startChildServer({ args, env, signal }: ChildServerOptions): Promise<ChildServer> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? "", ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
    env: withoutSettings(env),
  });
  const exited = once(child, "exit");
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaint = (complaint + chunk).slice(-MAX_COMPLAINT)));
  const url = await Promise.race([announcedUrl(child), exited.then(() => undefined), aborted(signal)]);
  if (url === undefined) {
    await stopChild(child, exited);
    throw signal.aborted ? new StartGivenUpError() : new UserError(`the server did not start:\n${complaint}`);
  }
  return { url, stop: () => stopChild(child, exited) };
}

/** Settings of the caller's own servers must not reach this one. */
function withoutSettings(env: ChildServerOptions["env"]): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => name !== "DATABASE_URL" && !name.startsWith("HYDRA_"));
  return { ...Object.fromEntries(kept), HYDRA_LOG_LEVEL: "warn" };
}

async function announcedUrl({ stdout }: ChildProcess): Promise<string | undefined> {
  if (stdout === null) return undefined;
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const url = LISTENING.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

async function stopChild(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
  await exited;
  clearTimeout(force);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
