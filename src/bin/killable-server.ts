import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { DemoServer } from "../cli/index.ts";
import { type ChildServer, startChildServer } from "./child-server.ts";
import { UserError } from "./user-error.ts";

export interface KillableServerOptions {
  /** Its data, and whatever else it needs on disk. */
  directory: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Gives a start up. */
  signal: AbortSignal;
  /** Told when the server has ended by itself, or did not start again. */
  onLost: (why: UserError) => void;
}

const POSTGRES_GONE_WITHIN_MS = 20_000;
const POLL_MS = 10;
/** Somebody else may have taken the port meanwhile, for a moment: whatever connects somewhere gets a free one. */
const RESTARTS_TRIED = 5;
const RESTART_PAUSE_MS = 500;

/** A server with an embedded Postgres that comes back at the same address, on the same data, after a kill -9. */
export class KillableServer implements DemoServer {
  readonly url: string;
  readonly #options: KillableServerOptions;
  #current: ChildServer;
  /** Its end is wanted. */
  #ending = false;

  private constructor(options: KillableServerOptions, current: ChildServer) {
    this.#options = options;
    this.#current = current;
    this.url = current.url;
    this.#watchOver(current);
  }

  /** @throws UserError, StartGivenUpError; nothing runs then. */
  static async start(options: KillableServerOptions): Promise<KillableServer> {
    return new KillableServer(options, await launch(options, "0"));
  }

  async kill(): Promise<number> {
    this.#ending = true;
    await this.#current.kill();
    await this.#postgresGone();
    return this.#current.pid;
  }

  async startAgain(): Promise<number> {
    for (let tries = 1; ; tries++) {
      try {
        this.#current = await launch(this.#options, new URL(this.url).port);
        break;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (tries === RESTARTS_TRIED) {
          this.#options.onLost(error);
          throw error;
        }
        await delay(RESTART_PAUSE_MS, undefined, { signal: this.#options.signal });
      }
    }
    this.#ending = false;
    this.#watchOver(this.#current);
    return this.#current.pid;
  }

  /** Resolves once the server and its Postgres are gone. Also after `kill`. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#current.stop();
    await this.#postgresGone();
  }

  #watchOver({ exited }: ChildServer): void {
    void exited.then((complaint) => {
      const why = complaint === "" ? "" : `\n${complaint}`;
      if (!this.#ending) this.#options.onLost(new UserError(`the demo's server has ended by itself.${why}`));
    });
  }

  async #postgresGone(): Promise<void> {
    const deadline = performance.now() + POSTGRES_GONE_WITHIN_MS;
    // The file that Postgres removes last.
    const file = path.join(dataDirOf(this.#options.directory), "postgres", "postmaster.pid");
    while (existsSync(file)) {
      if (performance.now() > deadline) throw new UserError("the Postgres of the demo's server does not end.");
      await delay(POLL_MS);
    }
  }
}

function launch({ directory, env, signal }: KillableServerOptions, port: string): Promise<ChildServer> {
  const args = ["serve", "--port", port, "--data-dir", dataDirOf(directory)];
  const settings = { TMPDIR: directory, HYDRA_DEPLOY_TIMEOUT: "60s" };
  return startChildServer({ args, env, settings, signal });
}

function dataDirOf(directory: string): string {
  return path.join(directory, "data");
}
