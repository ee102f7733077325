import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Engine } from "../../engine/index.ts";
import type { RolloutLog } from "../options.ts";
import { type DueLane, readDueLanes } from "../reading/index.ts";
import type { NotificationObserver } from "./observer.ts";
import { type NotifierDurations, Sender } from "./sender.ts";
import { WebhookAccess, type WebhookAccessOptions } from "./webhook-access.ts";

export interface NotifierOptions extends WebhookAccessOptions {
  readonly engine: Engine;
  /** For reads. */
  readonly pool: pg.Pool;
  readonly log: RolloutLog;
  /** Where people reach this server with a browser; messages link to it. */
  readonly publicUrl?: string | undefined;
  readonly observer?: NotificationObserver | undefined;
  readonly durations?: Partial<NotifierDurations>;
}

const DURATIONS: NotifierDurations = {
  pollMs: 1_000,
  answerMs: 10_000,
  giveUpMs: 60 * 60 * 1_000,
  firstRetryMs: 1_000,
  longestRetryMs: 60_000,
  longestRepeatMs: 600_000,
  stopGraceMs: 2_000,
};

/** Rollouts whose messages are sent at the same time (W5). */
const MOST_LANES = 32;
/** Many more: those that this server cannot send must not stand before those that it can. */
const MOST_LOOKED_AT = 1_000;

/**
 * Sends what waits in the outbox to webhooks (docs/rollout.md, W1 to W6). Any
 * number of servers may do so on one database, set up alike or not. Stop it
 * before its engine.
 */
export function startNotifier(options: NotifierOptions): { stop(): Promise<void> } {
  const notifier = new Notifier(options);
  notifier.start();
  return { stop: () => notifier.stop() };
}

class Notifier {
  readonly #options: NotifierOptions;
  readonly #durations: NotifierDurations;
  readonly #sender: Sender;
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  #looking: Promise<void> | undefined;
  #failing = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#durations = { ...DURATIONS, ...options.durations };
    const access = new WebhookAccess(options);
    this.#sender = new Sender({ ...options, access, durations: this.#durations, cut: this.#cut.signal });
  }

  start(): void {
    this.#looking = this.#lookAgainAndAgain();
  }

  /** Requests under way get a short grace; how they ended is written down. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#endedWithin(this.#durations.stopGraceMs);
    this.#cut.abort();
    await this.#endedWithin(this.#durations.stopGraceMs);
  }

  async #lookAgainAndAgain(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#guarded(() => this.#look());
      await delay(this.#durations.pollMs, undefined, { signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    for (const lane of await this.#due({ limit: MOST_LOOKED_AT })) {
      if (this.#stopping.signal.aborted || this.#lanes.size >= MOST_LANES) return;
      if (this.#lanes.has(lane.rolloutId) || !this.#sender.maySend(lane)) continue;
      const sending = this.#guarded(() => this.#sendAll(lane)).finally(() => this.#lanes.delete(lane.rolloutId));
      this.#lanes.set(lane.rolloutId, sending);
    }
  }

  /** One message after the other (W1). */
  async #sendAll(first: DueLane): Promise<void> {
    const { rolloutId } = first;
    for (let lane: DueLane | undefined = first; lane && !this.#stopping.signal.aborted;) {
      if (!(await this.#sender.sendNext(lane))) return;
      [lane] = await this.#due({ rolloutId, limit: 1 });
    }
  }

  #due(page: { limit: number; rolloutId?: string }): Promise<DueLane[]> {
    return readDueLanes(this.#options.pool, { ...page, giveUpMs: this.#durations.giveUpMs });
  }

  /** Says once that something fails, and once more only after it has worked in between. */
  async #guarded(task: () => Promise<void>): Promise<void> {
    try {
      await task();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing && !this.#stopping.signal.aborted) {
        this.#options.log.warn({ err: error }, "messages to webhooks cannot be sent now; it is tried again");
      }
      this.#failing = true;
    }
  }

  async #endedWithin(graceMs: number): Promise<void> {
    const done = new AbortController();
    const grace = delay(graceMs, undefined, { signal: done.signal }).catch(() => {});
    await Promise.race([Promise.all([this.#looking, ...this.#lanes.values()]), grace]);
    done.abort();
  }
}
