import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

/** A hydra in a process of its own, as its users run it. */
export interface HydraProcess {
  /** Resident memory, in MB. */
  rss(): Promise<number>;
  /** Highest resident memory so far, in MB. */
  peakRss(): Promise<number>;
  /** CPU time so far, in ms. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
  /** kill -9, SIGSTOP and the like. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves once it has ended. */
  readonly exited: Promise<unknown>;
}

export interface ServerProcess extends HydraProcess {
  readonly url: string;
  /** From the start of the process until it said that it listens. */
  readonly readyMs: number;
}

const LISTENING = /^listening on (\S+)$/;

/** `hydra dev`, once it listens. */
export async function startDevProcess(args: readonly string[], env: NodeJS.ProcessEnv): Promise<ServerProcess> {
  return startServer("dev", args, env);
}

/** `hydra serve`, once it listens; its agents are elsewhere. */
export async function startServerProcess(args: readonly string[], env: NodeJS.ProcessEnv): Promise<ServerProcess> {
  return startServer("serve", args, env);
}

async function startServer(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ServerProcess> {
  const startedAt = performance.now();
  const { line, ...server } = await startProcess([command, "--port", "0", ...args], env, LISTENING);
  return { ...server, url: line[1] ?? "", readyMs: performance.now() - startedAt };
}

/** `hydra agent`, once it runs; its cluster and its server may not have answered yet. */
export async function startAgentProcess(args: readonly string[], env: NodeJS.ProcessEnv): Promise<HydraProcess> {
  return startProcess(["agent", ...args], env, /^agent of region /);
}

async function startProcess(args: readonly string[], env: NodeJS.ProcessEnv, started: RegExp) {
  const child = spawn(process.execPath, ["bin/hydra.js", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, HYDRA_LOG_LEVEL: "error", ...env },
  });
  const exited = once(child, "exit");
  const line = await firstLine(child, started);
  return {
    line,
    exited,
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    rss: () => statusMegabytes(child, "VmRSS"),
    peakRss: () => statusMegabytes(child, "VmHWM"),
    cpuMs: () => cpuMs(Number(child.pid)),
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  if (!child.stdout) throw new Error("no standard output");
  for await (const text of createInterface({ input: child.stdout })) {
    const line = pattern.exec(text);
    if (line) {
      child.stdout.resume();
      return line;
    }
  }
  throw new Error(`it ended before it said ${pattern}`);
}

async function statusMegabytes(child: ChildProcess, field: string): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
}

const TICKS_PER_MS = 0.1;

/** CPU time of one process, in ms, of user and system together. Linux only. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_MS;
}
