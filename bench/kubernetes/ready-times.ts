import { type HydraClient, RolloutEventType } from "../../src/client/index.ts";

/**
 * When a client of hydra was told that a sentinel is ready, by its id, in ms of
 * this process's clock: what is told is in the database.
 */
export class ReadyTimes {
  readonly #stop = new AbortController();
  readonly #readyAt = new Map<string, number>();
  readonly #ended: Promise<void>;

  private constructor(client: HydraClient, onSnapshot: () => void) {
    this.#ended = this.#follow(client, onSnapshot);
  }

  /** Follows the rollouts that start from now on. */
  static async start(client: HydraClient): Promise<ReadyTimes> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const times = new ReadyTimes(client, resolve);
    await Promise.race([promise, times.#ended]);
    return times;
  }

  /** All of them, once nothing more is to come. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    this.#stop.abort();
    await this.#ended;
    return this.#readyAt;
  }

  async #follow({ rollouts }: HydraClient, onSnapshot: () => void): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const { message } of rollouts.watch({}, { signal })) {
        if (message.case === "snapshot") onSnapshot();
        if (message.case !== "event" || message.value.type !== RolloutEventType.SENTINEL_READY) continue;
        this.#readyAt.set(message.value.sentinelId, performance.now());
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
