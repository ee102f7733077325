import type { Outcome } from "./api.ts";
import type { Completion } from "./journal.ts";

/** One caller's waiting; `leave` must be called at its end, however that comes. */
export interface Waiting {
  readonly outcome: Promise<Outcome>;
  leave(): void;
}

interface Waiter {
  resolve(outcome: Outcome): void;
  reject(reason: unknown): void;
}

/** Callers that wait here for the end of an invocation, whichever node runs it. */
export class Waiters {
  readonly #waiters = new Map<number, Set<Waiter>>();

  has(id: number): boolean {
    return this.#waiters.has(id);
  }

  /** The outcome rejects with the signal's reason when that is aborted. */
  wait(id: number, signal: AbortSignal | undefined): Waiting {
    const { promise: outcome, resolve, reject } = Promise.withResolvers<Outcome>();
    // Whoever leaves before the end asks no more.
    outcome.catch(() => {});
    const waiter = { resolve, reject };
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    const others = this.#waiters.get(id);
    if (others) others.add(waiter);
    else this.#waiters.set(id, new Set([waiter]));
    const leave = () => {
      signal?.removeEventListener("abort", abort);
      this.#remove(id, waiter);
    };
    return { outcome, leave };
  }

  /** Nobody waits any longer. */
  rejectAll(reason: unknown): void {
    for (const waiting of this.#waiters.values()) for (const { reject } of waiting) reject(reason);
  }

  settle(id: number, outcome: Outcome): void {
    const waiting = this.#waiters.get(id);
    if (!waiting) return;
    this.#waiters.delete(id);
    for (const { resolve } of waiting) resolve(outcome);
  }

  reject(id: number, reason: unknown): void {
    const waiting = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const waiter of waiting ?? []) waiter.reject(reason);
  }

  /** Up to `count` ids waited for, those not asked for for longest first. */
  oldest(count: number): number[] {
    const ids = [...this.#waiters.keys()].slice(0, count);
    for (const id of ids) {
      const waiting = this.#waiters.get(id);
      this.#waiters.delete(id);
      if (waiting) this.#waiters.set(id, waiting);
    }
    return ids;
  }

  #remove(id: number, waiter: Waiter): void {
    const waiting = this.#waiters.get(id);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiters.delete(id);
  }
}

/** `now`: milliseconds since 1970, by the database's clock. */
export function outcomeFrom(completion: Completion, now = Date.now()): Outcome {
  const completedAt = new Date(now);
  if (completion.ok) return { ok: true, output: completion.value, completedAt };
  return { ok: false, kind: completion.kind, message: completion.message, completedAt };
}
