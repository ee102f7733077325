// Sends the spans of rollouts to a collector. They are not held in memory but
// made from the log and the tables once they are over, so no kill loses one.
//
//   T1. The position moves only after the collector took, or refused for good,
//       every span that was ended by an event up to it. What is sent again after
//       a crash is identical, ids included.
//   T2. One server sends at a time: the one that holds the lease, by the
//       database's clock. A position moves only by its holder, from where it was.
//   T3. A rollout never waits for a collector. What the collector has not taken
//       for an hour is given up, and told in the log.
//   T4. Nothing from before the first time that traces were asked for is sent.

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Engine, EngineLog } from "../../engine/index.ts";
import { holdTraceExport, moveTraceExport, readLastOverdueEvent, readTraceExport } from "../../rollout/index.ts";
import type { Collector, CollectorError } from "./collector.ts";
import { readEndedSpans } from "./ended-spans.ts";

/** Events looked at in one go: about as many spans, from some hundred kilobytes to a few megabytes. */
const EVENTS_AT_ONCE = 1_000;
const FIRST_RETRY_MS = 500;
const RELEASE_MS = 2_000;

export interface TraceExportOptions {
  /** Started, and not stopped before. */
  engine: Engine;
  /** For reading. */
  pool: Pool;
  log: EngineLog;
  openCollector(): Promise<Collector>;
  pollMs: number;
  /** Longer than the collector's time limit. */
  leaseMs: number;
  longestRetryMs: number;
  maxAgeMs: number;
}

export class TraceExport {
  readonly #options: TraceExportOptions;
  readonly #holder = randomUUID();
  readonly #stopped = new AbortController();
  #collector: Collector | undefined;
  #running: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** Failures in a row. */
  #failures = 0;
  /** Halved where the collector, or what stands before it, takes small requests only. */
  #eventsAtOnce = EVENTS_AT_ONCE;

  constructor(options: TraceExportOptions) {
    this.#options = options;
  }

  /** Resolves once everything from now on is going to be sent. */
  async start(): Promise<void> {
    await this.#hold(this.#options.leaseMs);
    this.#running = this.#run();
  }

  /** What is being sent is left, and sent again by whoever goes on. Safe to call twice. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#stopped.abort();
    const released = this.#running?.then(() => this.#hold(0)).catch(() => {});
    // Without a database nothing can be released; the lease runs out by itself.
    await Promise.race([released, delay(RELEASE_MS, undefined, { ref: false })]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const waitMs = await this.#turn().catch((error: unknown) => this.#failed(error));
      if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Sends what the next stretch of the log has ended. Returns how long to wait before the next turn. */
  async #turn(): Promise<number> {
    const { pool, pollMs, leaseMs, maxAgeMs } = this.#options;
    const standing = await readTraceExport(pool, { holder: this.#holder, maxAgeMs });
    if (!standing || standing.heldByOther || standing.position >= standing.latest) return pollMs;
    const position = await this.#hold(leaseMs);
    if (position !== standing.position) return pollMs;
    if (standing.overdue) return await this.#skip(position);
    const upTo = Math.min(position + this.#eventsAtOnce, standing.latest);
    if (!(await this.#send(position, upTo))) return 0;
    const moved = await this.#move(position, upTo);
    return moved && upTo < standing.latest ? 0 : pollMs;
  }

  /** False: they are too many for one request, so the stretch is to be shorter. */
  async #send(after: number, upTo: number): Promise<boolean> {
    const { pool, log, openCollector } = this.#options;
    const spans = await readEndedSpans(pool, { after, upTo });
    if (spans.length === 0) return true;
    this.#collector ??= await openCollector();
    try {
      await this.#collector.take(spans, this.#stopped.signal);
      this.#recovered();
    } catch (error) {
      const { refused, message: reason } = error as CollectorError;
      if (!refused) throw error;
      if (refused === "too large" && upTo - after > 1) {
        this.#eventsAtOnce = Math.ceil((upTo - after) / 2);
        return false;
      }
      this.#eventsAtOnce = EVENTS_AT_ONCE;
      log.warn({ spans: spans.length, reason }, "the collector refused spans of traces, which are left out");
    }
    return true;
  }

  /** Gives up what is too old (T3). */
  async #skip(after: number): Promise<number> {
    const { pool, log, maxAgeMs } = this.#options;
    const position = await readLastOverdueEvent(pool, { after, maxAgeMs });
    if (await this.#move(after, position)) {
      log.warn({ events: position - after }, "traces of old events are left out: they were not sent in time");
    }
    return 0;
  }

  async #hold(leaseMs: number): Promise<number | undefined> {
    const held = await this.#options.engine.execute(holdTraceExport, { holder: this.#holder, leaseMs });
    return held?.position;
  }

  /** False: another server has taken over (T2). */
  async #move(movedFrom: number, position: number): Promise<boolean> {
    const { engine, leaseMs } = this.#options;
    return (await engine.execute(moveTraceExport, { holder: this.#holder, movedFrom, position, leaseMs })) !== null;
  }

  #recovered(): void {
    if (this.#failures > 0) this.#options.log.info({ failures: this.#failures }, "traces are being sent again");
    this.#failures = 0;
  }

  /** Told once until it works again. Returns how long to wait. */
  #failed(error: unknown): number {
    const { log, longestRetryMs } = this.#options;
    if (this.#stopped.signal.aborted) return 0;
    if (this.#failures === 0) {
      log.warn({ reason: (error as Error).message }, "traces could not be sent; rollouts go on, and it is tried again");
    }
    this.#failures += 1;
    const doubledMs = Math.min(longestRetryMs, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20));
    return doubledMs * (0.5 + 0.5 * Math.random());
  }
}
