import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import {
  DiskFullError,
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  type ExitStatus,
  isDiskFull,
  startEmbeddedPostgres,
} from "../postgres/index.ts";
import { UserError } from "./user-error.ts";

const MAX_RESTARTS = 5;
/** A Postgres that has run for this long starts the count of restarts anew. */
const STEADY_MS = 60_000;
/** Between two looks whether a full disk has room again. */
const FULL_DISK_PAUSE_MS = 2_000;

const DISK_FULL =
  "the disk of the embedded Postgres is full: it starts again, and work goes on, as soon as there is room";

/**
 * The embedded Postgres, started again when it ends by itself: everything else
 * then sees an outage, as with any Postgres. Its address stays the same.
 */
export class OwnPostgres {
  readonly url: string;
  readonly #dataDir: string;
  readonly #log: Logger;
  readonly #onLost: (error: Error) => void;
  readonly #stopping = new AbortController();
  #current: EmbeddedPostgres;
  #keeping: Promise<void>;

  private constructor(current: EmbeddedPostgres, dataDir: string, log: Logger, onLost: (error: Error) => void) {
    this.url = current.url;
    this.#current = current;
    this.#dataDir = dataDir;
    this.#log = log;
    this.#onLost = onLost;
    this.#keeping = this.#keep();
  }

  /** `onLost` is told when Postgres has ended and cannot be started again. */
  static async start(dataDir: string, log: Logger, onLost: (error: Error) => void): Promise<OwnPostgres> {
    return new OwnPostgres(await OwnPostgres.#launch(dataDir, log), dataDir, log, onLost);
  }

  /** Stops it for good. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#current.stop();
    await this.#keeping;
  }

  /** A full disk is no reason to end: whoever makes room need not start hydra, too. */
  async #launchOnceThereIsRoom(): Promise<EmbeddedPostgres> {
    for (let tries = 1; ; tries++) {
      try {
        return await OwnPostgres.#launch(this.#dataDir, this.#log);
      } catch (error) {
        if (!(error instanceof Error && error.cause instanceof DiskFullError)) throw error;
        if (tries === 1) this.#log.error({ reason: error.message, dataDir: this.#dataDir }, DISK_FULL);
        await delay(FULL_DISK_PAUSE_MS, undefined, { signal: this.#stopping.signal });
      }
    }
  }

  static #launch(dataDir: string, log: Logger): Promise<EmbeddedPostgres> {
    return startEmbeddedPostgres({ dataDir, log: (message) => log.info({ dataDir }, message) }).catch(
      (error: unknown) => {
        throw error instanceof EmbeddedPostgresError ? new UserError(error.message, { cause: error }) : error;
      },
    );
  }

  async #keep(): Promise<void> {
    let restarts = 0;
    let startedAt = performance.now();
    for (;;) {
      const status = await this.#current.exited;
      if (this.#stopping.signal.aborted) return;
      const isFull = await isDiskFull(this.#dataDir);
      if (isFull || performance.now() - startedAt > STEADY_MS) restarts = 0;
      try {
        if (++restarts > MAX_RESTARTS) throw new Error(`the embedded Postgres ended ${MAX_RESTARTS} times in a row`);
        await this.#restart(status, isFull ? FULL_DISK_PAUSE_MS : 100 * 2 ** (restarts - 1));
        startedAt = performance.now();
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#onLost(error as Error);
        return;
      }
    }
  }

  async #restart(status: ExitStatus, pauseMs: number): Promise<void> {
    this.#log.error({ ...status, dataDir: this.#dataDir }, "the embedded Postgres ended by itself; starting it again");
    await this.#current.stop();
    await delay(pauseMs, undefined, { signal: this.#stopping.signal });
    this.#current = await this.#launchOnceThereIsRoom();
    if (this.#stopping.signal.aborted) await this.#current.stop();
  }
}
