import pg from "pg";
import type { EngineLog } from "./api.ts";
import { retryDelayMs } from "./retry.ts";
import { closeClient, cutClient } from "./store/goodbye.ts";
import { ANSWER_MS, CONNECTION, sessionSettings } from "./store/session.ts";
import { startTimer } from "./timer.ts";

// Hints from other nodes (invariant E5): they make things fast, polling makes
// them true. What was said while the connection was down is lost, so whoever
// listens is told of every new connection and looks for itself.

export interface WakeupOptions {
  readonly databaseUrl: string;
  readonly log: EngineLog;
  /** `w`: look at these invocations; `t`: try these again now; `d`: these have ended; `r`: there is work for anybody. */
  onHint(kind: string, ids: readonly number[]): void;
  /** Hints may have been missed. */
  onConnected(): void;
}

/** Keeps one connection that listens, until it is closed. */
export class Wakeups {
  readonly #options: WakeupOptions;
  #client: pg.Client | undefined;
  #closed = false;
  #failures = 0;
  #stopTimer: (() => void) | undefined;

  constructor(options: WakeupOptions) {
    this.#options = options;
  }

  /** Resolves once it listens, or has failed to for the first time. */
  async open(): Promise<void> {
    const client = new pg.Client({
      ...CONNECTION,
      connectionString: this.#options.databaseUrl,
      application_name: "hydra engine wakeups",
      query_timeout: ANSWER_MS,
    });
    let lost = false;
    const onLost = (error?: Error) => {
      if (lost || this.#closed) return;
      lost = true;
      this.#reconnect(error);
    };
    client.on("error", onLost);
    client.on("end", () => onLost());
    client.on("notification", ({ payload }) => this.#read(payload ?? ""));
    try {
      this.#client = client;
      await client.connect();
      await client.query(`${sessionSettings()}; listen engine`);
    } catch (error) {
      await closeClient(client);
      onLost(error as Error);
      return;
    }
    if (this.#closed) {
      await closeClient(client);
      return;
    }
    this.#failures = 0;
    this.#options.onConnected();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer?.();
    if (this.#client) await closeClient(this.#client);
  }

  /** The connection is dropped, since the server or the way to it is silent; another one is opened. */
  cut(): void {
    if (this.#client) cutClient(this.#client);
  }

  #read(payload: string): void {
    const rest = payload.slice(1);
    this.#options.onHint(payload.slice(0, 1), rest === "" ? [] : rest.split(",").map(Number));
  }

  #reconnect(error: Error | undefined): void {
    this.#failures++;
    this.#options.log.debug({ err: error, failures: this.#failures }, "the connection that listens for hints broke");
    this.#stopTimer = startTimer(retryDelayMs(this.#failures), () => void this.open());
  }
}
