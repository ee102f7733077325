import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "../kube-client.ts";
import { boundedText } from "./bounded-text.ts";
import type { Credentials } from "./credentials.ts";
import { exchange } from "./exchange.ts";

const PATIENCE_MS = 30_000;
/** An answer waits for admission webhooks, which may take as long. */
const TRY_MS = 30_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** A page of a list is the longest answer, and has a twentieth of it. */
const LONGEST_ANSWER = 128 * 2 ** 20;

export interface KubeClientOptions {
  readonly credentials: Credentials;
  /** Ends every request. */
  readonly signal: AbortSignal;
  /** How long an answer may take. Default 30,000. */
  readonly tryMs?: number;
}

/** A client as `KubeClient` says. */
export function createKubeClient({ credentials, signal: closed, tryMs = TRY_MS }: KubeClientOptions): KubeClient {
  return {
    async request<T>(...[method, path, options = {}]: Parameters<KubeClient["request"]>): Promise<T> {
      const { patienceMs = PATIENCE_MS, signal = closed, ...content } = options;
      const ended = AbortSignal.any([closed, signal]);
      const giveUpAt = performance.now() + patienceMs;
      for (let failures = 0; ; failures += 1) {
        const attempt = AbortSignal.any([ended, AbortSignal.timeout(tryMs)]);
        const outcome = await exchange(credentials, { method, path, ...content, signal: attempt }, async (answer) =>
          JSON.parse(await boundedText(answer.body.stream(), LONGEST_ANSWER)),
        );
        if ("value" in outcome) return outcome.value as T;
        ended.throwIfAborted();
        const { error, again } = outcome.trouble;
        // Many are told the same Retry-After, which may be 0.
        const waitMs = (error.retryAfterMs ?? 0) + growingWait(failures);
        if (!again || performance.now() + waitMs > giveUpAt) throw error;
        await delay(waitMs, undefined, { signal: ended }).catch(() => ended.throwIfAborted());
      }
    },
  };
}

/** Doubling, the half of it random, so that many do not come back at the same moment. */
function growingWait(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.5 + 0.5 * Math.random());
}
