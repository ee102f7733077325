import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Engine } from "../../engine/index.ts";
import { claimNotification } from "../effects/claim-notification.ts";
import { endNotification, type EndNotificationResult, type EndNotificationRow } from "../effects/end-notification.ts";
import type { RolloutLog } from "../options.ts";
import { type DueLane, type NotificationFacts, readNotificationFacts } from "../reading/index.ts";
import { composeMessage } from "./message.ts";
import type { NotificationObserver } from "./observer.ts";
import { type PostResult, postToWebhook } from "./post-webhook.ts";
import { backOffMs } from "./retry-after.ts";
import type { FoundWebhook, WebhookAccess } from "./webhook-access.ts";

/** Milliseconds. */
export interface NotifierDurations {
  /** How often it is looked for messages that nobody sends. */
  readonly pollMs: number;
  /** How long a webhook may take to answer. */
  readonly answerMs: number;
  /** Age of a message at which a try that fails is its last one. */
  readonly giveUpMs: number;
  /** Pauses between tries, doubling; unless the webhook asks for another one. */
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** The longest pause after an answer that was lost: each try may be one more copy for people to read. */
  readonly longestRepeatMs: number;
  /** How long requests may go on when the notifier stops, and then as long again to write down how they ended. */
  readonly stopGraceMs: number;
}

export interface SenderOptions {
  readonly engine: Engine;
  readonly pool: pg.Pool;
  readonly log: RolloutLog;
  readonly access: WebhookAccess;
  readonly durations: NotifierDurations;
  readonly publicUrl?: string | undefined;
  readonly observer?: NotificationObserver | undefined;
  /** Ends requests under way. */
  readonly cut: AbortSignal;
}

/** How a try ended: `unusable`: this server cannot send the message, and it is too old to wait for another one. */
type TryResult = PostResult | { readonly outcome: "unusable"; readonly failure: string };

/** Sends one message at a time of a rollout; any number of rollouts at once. */
export class Sender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Whether there is anything to do for this server: a peer may have what it lacks, until the message is too old. */
  maySend(lane: DueLane): boolean {
    return lane.overdue || !("missing" in this.#options.access.find(lane));
  }

  /**
   * Tries to send the next message of a rollout. True: the one after it may be
   * sent at once. Rejects where the database does not answer.
   */
  async sendNext(lane: DueLane): Promise<boolean> {
    if (!this.maySend(lane)) return false;
    const webhook = this.#options.access.find(lane);
    const { rolloutId, sequence } = lane;
    // Before the claim: what is killed after it may have sent the message.
    const facts = await readNotificationFacts(this.#options.pool, sequence);
    const claim = randomUUID();
    const begun = await this.#options.engine.execute(claimNotification, { rolloutId, sequence, claim });
    if (!begun) return false;
    if (begun.outcome === "counted") {
      this.#options.observer?.tried("sent");
      return true;
    }
    const result = await this.#try(webhook, facts, begun.outcome === "repeat");
    const ended = await this.#end({ rolloutId, sequence, claim, ...this.#ending(result, begun.tries) });
    if (ended) this.#tell(lane, result, begun.tries, ended);
    return ended !== null && ended.verdict !== "retry";
  }

  async #try(webhook: FoundWebhook, facts: NotificationFacts | undefined, repeat: boolean): Promise<TryResult> {
    if ("missing" in webhook) return { outcome: "unusable", failure: webhook.missing };
    if (!facts) return { outcome: "unusable", failure: "what it tells of is no longer kept" };
    const { publicUrl, durations, cut } = this.#options;
    const message = composeMessage(facts, { repeat, publicUrl });
    return await postToWebhook(webhook.url, JSON.stringify(message), { answerMs: durations.answerMs, signal: cut });
  }

  #ending(result: TryResult, tries: number): Omit<EndNotificationRow, "rolloutId" | "sequence" | "claim"> {
    const { firstRetryMs: firstMs, longestRetryMs, longestRepeatMs, giveUpMs } = this.#options.durations;
    const longestMs = result.outcome === "lost" ? longestRepeatMs : longestRetryMs;
    const pauseMs = (result.outcome === "untaken" && result.retryAfterMs) || backOffMs(tries, { firstMs, longestMs });
    const failure = result.outcome === "sent" ? "" : result.failure;
    return { outcome: result.outcome, failure, retryInMs: pauseMs, giveUpMs };
  }

  /** Until it is written, or this server is no longer the one to write it: the claim stays in force until then. */
  async #end(row: EndNotificationRow): Promise<EndNotificationResult | null> {
    for (;;) {
      try {
        return await this.#options.engine.execute(endNotification, row);
      } catch (error) {
        if (this.#options.cut.aborted) throw error;
        await delay(this.#options.durations.pollMs, undefined, { signal: this.#options.cut }).catch(() => {});
      }
    }
  }

  #tell({ rolloutId, sequence }: DueLane, result: TryResult, tries: number, ended: EndNotificationResult): void {
    const { log, observer } = this.#options;
    const { verdict, dropped, died } = ended;
    for (let told = 0; told < Math.max(1, dropped); told++) observer?.tried(verdict);
    if (result.outcome === "sent") return;
    const fields = { rolloutId, sequence, failure: result.failure };
    if (died) log.warn({ ...fields, dropped }, "a webhook refused a message for good; those that waited are given up");
    else if (verdict === "dropped") log.warn(fields, "a message to a webhook is given up");
    else if (verdict === "retry" && tries === 1) log.warn(fields, "a message to a webhook failed; it is tried again");
  }
}
