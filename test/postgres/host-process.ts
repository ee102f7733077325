import { type ChildProcess, fork, type ForkOptions } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";

/** What a host tells the test that started it. */
export type HostMessage =
  | { kind: "log"; text: string }
  | { kind: "ready"; url: string; socketDir: string; postgresPid: number; readyMs: number }
  | { kind: "failed"; message: string };

/** `exit` ends the host without stopping its Postgres. */
export type HostOrder = "stop" | "exit";

/** A process of its own that runs an embedded Postgres, as hydra does. */
export interface Host extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly postgresPid: number;
  readonly socketDir: string;
  /** How long the start took, as hydra saw it. */
  readonly readyMs: number;
  readonly logs: readonly string[];
  /** Sends an order and waits for the end of the process. */
  end(order: HostOrder): Promise<void>;
  /** kill -9, and waits for the end of the process (not of its Postgres). */
  kill(): Promise<void>;
}

const HOST = new URL("./host.ts", import.meta.url);

/** Only starts the process; `waitUntilHostReady` is for the rest. */
export function forkHost(dataDir: string, options: ForkOptions = {}): ChildProcess {
  return fork(HOST, [dataDir], { execArgv: [], cwd: "/", ...options });
}

/** Rejects with the host's own words if it does not start. */
export async function startHost(dataDir: string, options?: ForkOptions): Promise<Host> {
  const child = forkHost(dataDir, options);
  const ended = once(child, "exit");
  const logs: string[] = [];
  const ready = await new Promise<HostMessage & { kind: "ready" }>((resolve, reject) => {
    child.on("message", (message: HostMessage) => {
      if (message.kind === "ready") resolve(message);
      else if (message.kind === "failed") reject(new Error(message.message));
      else logs.push(message.text);
    });
    child.once("exit", (code, signal) => reject(new Error(`The host ended: ${signal ?? code}`)));
  });
  const end = async (act: () => void) => {
    act();
    await ended;
  };
  const kill = () => end(() => child.kill("SIGKILL"));
  return {
    ...ready,
    pid: child.pid as number,
    logs,
    end: (order) => end(() => child.send(order)),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** The guard of a Postgres, found as an operator would: by its name and its socket. Linux only. */
export async function findGuard(socketDir: string): Promise<number> {
  for (const name of await readdir("/proc")) {
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (command.includes(`\0hydra-postgres-guard\0${socketDir}\0`)) return Number(name);
  }
  throw new Error(`There is no guard for ${socketDir}`);
}
