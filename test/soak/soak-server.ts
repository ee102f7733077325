import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type HydraProcess, startHydraProcess, urlOf } from "../e2e/hydra-process.ts";
import type { SoakJournal } from "./journal.ts";

/** `hydra serve` on one port, whatever becomes of its processes. */
export class SoakServer implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly #port: number;
  readonly #env: Record<string, string>;
  readonly #journal: SoakJournal;
  #process: HydraProcess | undefined;
  /** Somebody has ended it, or is about to. */
  #isToEnd = false;
  /** Ctrl-C ends this process, and none of its servers may stay. */
  readonly #killAtExit = (): void => this.#process?.kill("SIGKILL");

  private constructor(name: string, port: number, env: Record<string, string>, journal: SoakJournal) {
    this.name = name;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#env = env;
    this.#journal = journal;
    process.once("exit", this.#killAtExit);
  }

  static async create(name: string, env: Record<string, string>, journal: SoakJournal): Promise<SoakServer> {
    return new SoakServer(name, await freePort(), env, journal);
  }

  /** Resolves once it listens. One that gives up before that, since Postgres went away, is started again. */
  async start(): Promise<void> {
    for (;;) {
      const hydra = startHydraProcess(["serve", "--port", String(this.#port)], this.#env);
      this.#process = hydra;
      this.#isToEnd = false;
      const listens = urlOf(hydra).then(() => true);
      listens.catch(() => {});
      if (await Promise.race([listens, hydra.exited.then(() => false)])) {
        void hydra.exited.then((exit) => this.#ended(hydra, exit));
        return;
      }
      this.#journal.count("server gave up at its start");
    }
  }

  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends it and waits until it has ended. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#isToEnd = true;
    this.#process?.kill(signal);
    await this.#process?.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    process.off("exit", this.#killAtExit);
  }

  /** Resident memory in MB: now, and the highest of this process. */
  async memory(): Promise<{ now: number; peak: number }> {
    const status = await readFile(`/proc/${this.#process?.pid}/status`, "utf8");
    const megabytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
    return { now: Math.round(megabytes("VmRSS")), peak: Math.round(megabytes("VmHWM")) };
  }

  #ended(hydra: HydraProcess, exit: number | NodeJS.Signals): void {
    if (hydra !== this.#process) return;
    if (this.#isToEnd && (exit === 0 || exit === "SIGKILL")) return;
    this.#journal.find(`${this.name} ended with ${exit}: ${hydra.stderr().trim().split("\n").at(-1)}`);
  }
}

/** It stays the same over restarts, so that clients find the server again. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
