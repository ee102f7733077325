import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { closeClient, type EngineLog, sessionSettings } from "../../engine/index.ts";
import { LOG_CHANNEL, type LogPositions, positionsFromPayload } from "../../rollout/index.ts";

const HEARTBEAT_MS = 15_000;
const ANSWER_MS = 10_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

export interface LogListenerOptions {
  databaseUrl: string;
  log: EngineLog;
  /** Positions that a commit told of; undefined after every connect: hints may have been lost, look yourself. */
  onHint(positions: LogPositions | undefined): void;
}

/**
 * Hears of every commit that moves the log, on a connection of its own: with
 * keep-alive, a heartbeat that finds dead connections, and a capped back-off
 * between attempts. What it says are hints; it never ends by itself.
 */
export class LogListener {
  readonly #options: LogListenerOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: LogListenerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#listen(() => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#options.log.warn({ err: error, failures }, "listening for events failed, polling goes on");
        await delay(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures), undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Until the connection is lost (rejects) or this is stopped. */
  async #listen(onConnected: () => void): Promise<void> {
    const { signal } = this.#stopped;
    const client = new pg.Client({
      connectionString: this.#options.databaseUrl,
      application_name: "hydra log listener",
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
    });
    const lost = new AbortController();
    client.on("error", (error) => lost.abort(error));
    client.on("end", () => lost.abort(new Error("the connection was closed")));
    client.on("notification", ({ payload }) => this.#options.onHint(positionsFromPayload(payload ?? "")));
    try {
      await client.connect();
      await client.query(`${sessionSettings()}; listen ${LOG_CHANNEL}`);
      onConnected();
      this.#options.onHint(undefined);
      await beat(client, AbortSignal.any([lost.signal, signal]));
      if (lost.signal.aborted && !signal.aborted) throw lost.signal.reason;
    } finally {
      await closeClient(client);
    }
  }
}

/** Asks for a sign of life again and again, until the signal is aborted. */
async function beat(client: pg.Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(HEARTBEAT_MS, undefined, { signal }).catch(() => {});
    if (!signal.aborted) await client.query("select 1");
  }
}
