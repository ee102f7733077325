import type { Outcome } from "./api.ts";
import type { Completion } from "./journal.ts";

/** Callers that wait here for the end of an invocation, whichever node runs it. */
export class Waiters {
  readonly #waiters = new Map<number, Set<(outcome: Outcome) => void>>();

  has(id: number): boolean {
    return this.#waiters.has(id);
  }

  /** Resolves with the outcome; rejects when the signal is aborted. */
  wait(id: number, signal: AbortSignal | undefined): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => {
        this.#remove(id, settle);
        reject(signal?.reason);
      };
      const settle = (outcome: Outcome) => {
        signal?.removeEventListener("abort", abort);
        resolve(outcome);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const others = this.#waiters.get(id);
      if (others) others.add(settle);
      else this.#waiters.set(id, new Set([settle]));
    });
  }

  settle(id: number, outcome: Outcome): void {
    const waiting = this.#waiters.get(id);
    if (!waiting) return;
    this.#waiters.delete(id);
    for (const settle of waiting) settle(outcome);
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

  #remove(id: number, settle: (outcome: Outcome) => void): void {
    const waiting = this.#waiters.get(id);
    waiting?.delete(settle);
    if (waiting?.size === 0) this.#waiters.delete(id);
  }
}

/** `now`: milliseconds since 1970, by the database's clock. */
export function outcomeFrom(completion: Completion, now = Date.now()): Outcome {
  const completedAt = new Date(now);
  if (completion.ok) return { ok: true, output: completion.value, completedAt };
  return { ok: false, kind: completion.kind, message: completion.message, completedAt };
}
