import { setImmediate as nextTurn } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import { type ClusterService, DeployFailureClass, type ObservedSentinel } from "../gen/hydra/v1/cluster_pb.ts";
import type { AgentIdentity } from "./agent-identity.ts";
import type { AgentLog } from "./agent-log.ts";
import { Backoff, needsPerson } from "./backoff.ts";

// An agent's reports.
//
//   A4. One call at a time: what comes up while it is in flight goes into the
//       next one. What decides on a deploy never waits to fill a batch.
//   A5. Of one sentinel only the newest report waits, so memory is bounded by
//       the number of sentinels.
//   A6. A report is given up only for a newer one; until then it is sent again
//       and again, however long the server is away. A call without an answer is
//       one that failed: a connection may be dead and nobody says so.
//   A8. Words about what a deploy still waits for change several times a second
//       while a Deployment rolls, and each call costs hydra a commit. They go
//       once a second, or after what goes at once, in the same call if there is room.

const MOST_PER_CALL = 1_000;
const WORDS_EVERY_MS = 1_000;
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
  /** A8. Default 1,000. */
  readonly wordsEveryMs?: number;
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
  readonly #backoff = Backoff.forHydra();
  /** Resolved: what waits is to be sent. */
  #due = Promise.withResolvers<void>();
  #wordsDue: NodeJS.Timeout | undefined;
  /** When the last call began, or ended, by the monotonic clock. */
  #calledAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReporterOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#due.resolve(), { once: true });
  }

  get status(): ReporterStatus {
    return { sent: this.#sent, waiting: this.#waiting.size, lastAtMs: this.#lastAtMs };
  }

  /** Hands over what is seen now; it replaces what was seen before and has not been sent. */
  report(observed: Observed): void {
    this.#waiting.delete(observed.sentinelId);
    this.#waiting.set(observed.sentinelId, observed);
    if (decides(observed)) this.#due.resolve();
    else this.#remindOfWords();
  }

  /** Sends reports until the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      await this.#due.promise;
      this.#due = Promise.withResolvers();
      // What comes up in one turn goes into one call.
      await nextTurn();
      const batch = this.#take();
      if (batch.length > 0 && !signal.aborted) await this.#send(batch);
    }
    clearTimeout(this.#wordsDue);
  }

  /** A8. */
  #remindOfWords(): void {
    const { signal, wordsEveryMs = WORDS_EVERY_MS } = this.#options;
    if (this.#wordsDue || signal.aborted) return;
    const waitMs = this.#calledAtMs + wordsEveryMs - performance.now();
    this.#wordsDue = setTimeout(() => this.#due.resolve(), Math.max(0, waitMs));
  }

  #take(): Observed[] {
    clearTimeout(this.#wordsDue);
    this.#wordsDue = undefined;
    const batch: Observed[] = [];
    for (const isVerdict of [true, false]) {
      for (const [sentinelId, observed] of this.#waiting) {
        if (batch.length === MOST_PER_CALL) break;
        if (decides(observed) !== isVerdict) continue;
        batch.push(observed);
        this.#waiting.delete(sentinelId);
      }
    }
    if (this.#waiting.size > 0) this.#due.resolve();
    return batch;
  }

  async #send(sentinels: readonly Observed[]): Promise<void> {
    const { client, agent, log, signal, answerMs: timeoutMs = ANSWER_MS } = this.#options;
    this.#calledAtMs = performance.now();
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
      this.#due.resolve();
    } finally {
      this.#calledAtMs = performance.now();
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

/** Whatever has a class or waits for nothing more may be the end of a deploy. */
function decides({ failureClass, reason }: Observed): boolean {
  return failureClass !== DeployFailureClass.UNSPECIFIED || reason === "";
}
