import { setTimeout as delay } from "node:timers/promises";
import { ConnectionLostError } from "../failure.ts";

export interface PatienceOptions {
  /** For how long a connection is tried to be made again. Default: a minute. */
  giveUpMs?: number;
  /** First and longest pause between two tries. Default: 100 ms and 2 s. */
  firstPauseMs?: number;
  maxPauseMs?: number;
  /** Told before a try how long the server has been away, once that is worth a word; undefined when it is back. */
  onAway?: (forMs: number | undefined) => void;
  /** Being away for less is not worth a word. Default: 3 s. */
  silentMs?: number;
}

/** Counts how long the server has been away. Tries come quickly at first, then every two seconds. */
export class Patience {
  readonly #giveUpMs: number;
  readonly #firstPauseMs: number;
  readonly #maxPauseMs: number;
  readonly #silentMs: number;
  readonly #onAway: (forMs: number | undefined) => void;
  #told = false;
  #lostAt: number | undefined;
  #tries = 0;

  constructor(options: PatienceOptions = {}) {
    const { giveUpMs = 60_000, firstPauseMs = 100, maxPauseMs = 2_000, silentMs = 3_000, onAway = () => {} } = options;
    this.#giveUpMs = giveUpMs;
    this.#firstPauseMs = firstPauseMs;
    this.#maxPauseMs = maxPauseMs;
    this.#silentMs = silentMs;
    this.#onAway = onAway;
  }

  /** The server answered. */
  renew(): void {
    this.#lostAt = undefined;
    this.#tries = 0;
    if (this.#told) this.#onAway(undefined);
    this.#told = false;
  }

  /**
   * Pauses before the next try, after an error of the connection.
   *
   * @throws ConnectionLostError where it has been tried long enough.
   */
  async pause(error: unknown, signal: AbortSignal): Promise<void> {
    this.#lostAt ??= performance.now();
    const awayMs = performance.now() - this.#lostAt;
    if (awayMs > this.#giveUpMs) {
      throw new ConnectionLostError(
        "the connection to the server was lost and did not come back. What runs there goes on by itself; " +
          "look again with `hydra watch`.",
        { cause: error },
      );
    }
    if (awayMs >= this.#silentMs) {
      this.#told = true;
      this.#onAway(awayMs);
    }
    const pauseMs = Math.min(this.#maxPauseMs, this.#firstPauseMs * 2 ** this.#tries++);
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }
}
