import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { StartGivenUpError, UserError } from "./user-error.ts";

export interface ChildServerOptions {
  /** Command line of hydra. */
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Settings that this server gets besides. */
  settings?: Readonly<Record<string, string>>;
  /** Gives the start up. */
  signal: AbortSignal;
}

export interface ChildServer {
  readonly url: string;
  readonly pid: number;
  /** Resolves once the process is gone, with the last of what it wrote to standard error. */
  readonly exited: Promise<string>;
  /** kill -9. Resolves once the process is gone. */
  kill(): Promise<void>;
  /** Resolves once the process is gone. */
  stop(): Promise<void>;
}

const LISTENING = /^listening on (\S+)$/;
const STOP_PATIENCE_MS = 10_000;
const MAX_COMPLAINT = 4_000;

/**
 * Runs hydra as a child that ends when this process does, however that ends
 * (by the IPC channel; at once where this process can still say so). It has a
 * process group of its own: Ctrl-C is for this process alone.
 *
 * @throws UserError with what the child said, StartGivenUpError; the child is gone then.
 */
export async function startChildServer({ args, env, settings, signal }: ChildServerOptions): Promise<ChildServer> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? "", ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
    env: { ...withoutSettings(env), HYDRA_LOG_LEVEL: "warn", ...settings },
  });
  const killAtOnce = () => void child.kill("SIGKILL");
  process.once("exit", killAtOnce);
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaint = (complaint + chunk).slice(-MAX_COMPLAINT)));
  const exited = gone(child).then((failure) => {
    process.off("exit", killAtOnce);
    return complaint + failure;
  });
  const url = await Promise.race([announcedUrl(child), exited.then(() => undefined), aborted(signal)]);
  if (url === undefined) {
    await stopChild(child, exited);
    throw signal.aborted ? new StartGivenUpError() : new UserError(`the server did not start:\n${await exited}`);
  }
  return {
    url,
    pid: child.pid ?? 0,
    exited,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    stop: () => stopChild(child, exited),
  };
}

/** Resolves once all that it has written is read; with why, where there never was such a process. */
function gone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("close", () => resolve(""));
    child.once("error", (error) => resolve(error.message));
  });
}

/** Settings of the caller's own servers must not reach this one. */
function withoutSettings(env: ChildServerOptions["env"]): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => name !== "DATABASE_URL" && !/^(HYDRA|OTEL)_/.test(name));
  return Object.fromEntries(kept);
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
