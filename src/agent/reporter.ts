import { setImmediate as nextTurn } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import type { ClusterService, ObservedSentinel } from "../gen/hydra/v1/cluster_pb.ts";
import type { AgentIdentity } from "./agent-identity.ts";
import type { AgentLog } from "./agent-log.ts";
import { Backoff, needsPerson } from "./backoff.ts";

// An agent's reports.
//
//   A4. One call at a time: what comes up while it is in flight goes into the
//       next one. Nothing waits to fill a batch.
//   A5. Of one sentinel only the newest report waits, so memory is bounded by
//       the number of sentinels.
//   A6. A report is given up only for a newer one; until then it is sent again
//       and again, however long the server is away. A call without an answer is
//       one that failed: a connection may be dead and nobody says so.

const MOST_PER_CALL = 1_000;
/** As long as the stream of desired state may be silent. */
const ANSWER_MS = 60_000;

/** What an agent sees of one sentinel. */
export type Observed = Omit<ObservedSentinel, "$typeName" | "$unknown">;

export interface ReporterOptions {
  readonly client: Client<typeof ClusterService>;
  readonly agent: AgentIdentity;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
  /** Time for one call, after which it is made again. Default 60,000. */
  readonly answerMs?: number;
}

/** How reporting stands. */
export interface ReporterStatus {
  /** Reports that the server has taken since the start. */
  readonly sent: number;
  /** Reports that wait to be sent. */
  readonly waiting: number;
  /** When the server took the last one, in ms since 1970; undefined: none yet. */
  readonly lastAtMs: number | undefined;
}

export class Reporter {
  readonly #options: ReporterOptions;
  #sent = 0;
  #lastAtMs: number | undefined;
  readonly #waiting = new Map<string, Observed>();
  readonly #backoff = new Backoff();
  #news = Promise.withResolvers<void>();

  constructor(options: ReporterOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#news.resolve(), { once: true });
  }

  get status(): ReporterStatus {
    return { sent: this.#sent, waiting: this.#waiting.size, lastAtMs: this.#lastAtMs };
  }

  /** Hands over what is seen now; it replaces what was seen before and has not been sent. */
  report(observed: Observed): void {
    this.#waiting.delete(observed.sentinelId);
    this.#waiting.set(observed.sentinelId, observed);
    this.#news.resolve();
  }

  /** Sends reports until the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
      // What comes up in one turn goes into one call.
      await nextTurn();
      while (this.#waiting.size > 0 && !signal.aborted) await this.#send(this.#take());
    }
  }

  #take(): Observed[] {
    const batch: Observed[] = [];
    for (const [sentinelId, observed] of this.#waiting) {
      if (batch.length === MOST_PER_CALL) break;
      batch.push(observed);
      this.#waiting.delete(sentinelId);
    }
    return batch;
  }

  async #send(sentinels: readonly Observed[]): Promise<void> {
    const { client, agent, log, signal, answerMs: timeoutMs = ANSWER_MS } = this.#options;
    try {
      const request = { agent, sentinels: [...sentinels] };
      const answer = await client.reportObservedState(request, { signal, timeoutMs });
      this.#backoff.reset();
      this.#sent += sentinels.length;
      this.#lastAtMs = Date.now();
      if (answer.unknownSentinelIds.length > 0) {
        log.debug({ sentinelIds: answer.unknownSentinelIds }, "hydra does not know these sentinels");
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#putBack(sentinels);
      this.#logFailure(error);
      await this.#backoff.wait(error, signal);
    }
  }

  /** Before everything that waits, unless something newer of the same sentinel does. */
  #putBack(sentinels: readonly Observed[]): void {
    const newer = [...this.#waiting];
    this.#waiting.clear();
    for (const observed of sentinels) this.#waiting.set(observed.sentinelId, observed);
    for (const [sentinelId, observed] of newer) {
      this.#waiting.delete(sentinelId);
      this.#waiting.set(sentinelId, observed);
    }
  }

  #logFailure(error: unknown): void {
    const { agent, log } = this.#options;
    const fields = { err: error, regionId: agent.regionId, waiting: this.#waiting.size };
    if (needsPerson(error)) log.error(fields, "the server refuses these reports, trying again");
    else if (this.#backoff.failures === 0) log.warn(fields, "reports could not be sent, trying again");
    else log.debug(fields, "reports could not be sent yet, trying again");
  }
}
