import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { SoakJournal } from "./journal.ts";

/** Far beyond what a take-over, or a restart of everything, needs on a loaded machine. */
const STUCK_MS = 60_000;
const LOOK_MS = 50;

const LOOK = `
select (select event_sequence from rollout_log)::text as sequence,
       exists (select from rollouts where state in ('in_progress', 'rolling_back'))
       or exists (select from rollout_waves where in_flight > 0) as active`;

/** Looks at the tables all the time: does what is under way go on, and how soon after each disturbance? */
export class Progress {
  readonly #url: string;
  readonly #journal: SoakJournal;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #sequence = "";
  #movedAt = performance.now();
  #active = false;
  /** Disturbances after which nothing has happened yet. */
  #awaited: { kind: string; at: number }[] = [];

  readonly #stuckMs: number;

  constructor(url: string, journal: SoakJournal, stuckMs = STUCK_MS) {
    this.#stuckMs = stuckMs;
    this.#url = url;
    this.#journal = journal;
    this.#running = this.#run();
  }

  /** Call it at the moment of the disturbance. It counts where a rollout is under way. */
  disturbed(kind: string): void {
    if (this.#active) this.#awaited.push({ kind, at: performance.now() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const client = new pg.Client({ connectionString: this.#url });
      client.on("error", () => {});
      try {
        await client.connect();
        while (!this.#stopping.signal.aborted) await this.#look(client);
      } catch {
        // Postgres is away: that no event comes meanwhile counts all the same.
        this.#judge();
        await delay(LOOK_MS);
      }
      await client.end().catch(() => {});
    }
  }

  async #look(client: pg.Client): Promise<void> {
    const [row] = (await client.query<{ sequence: string; active: boolean }>(LOOK)).rows;
    if (row && row.sequence !== this.#sequence) this.#moved(row.sequence);
    this.#active = row?.active ?? false;
    if (!this.#active) {
      this.#movedAt = performance.now();
      this.#awaited = [];
    }
    this.#judge();
    await delay(LOOK_MS);
  }

  #moved(sequence: string): void {
    this.#sequence = sequence;
    this.#movedAt = performance.now();
    for (const { kind, at } of this.#awaited) this.#journal.recoveries.push({ kind, ms: performance.now() - at });
    this.#awaited = [];
  }

  #judge(): void {
    if (this.#active && performance.now() - this.#movedAt > this.#stuckMs) {
      this.#journal.find(`a rollout has not moved for ${this.#stuckMs / 1_000} s after event ${this.#sequence}`);
    }
  }
}
