import type pg from "pg";
import type { Outcome } from "./api.ts";
import { TerminalError } from "./errors.ts";
import { formatInvocationId } from "./ids.ts";
import { findMissing, readOutcomes } from "./store/reads.ts";
import { Waiters } from "./waiters.ts";

const LOOKED_AT_ONCE = 1_000;
/** Outcomes kept for callers who attach right after. */
const REMEMBERED = 1_000;

/** Callers attached to invocations, which may run on any node. */
export class Attachments {
  readonly #waiters = new Waiters();
  readonly #remembered = new Map<number, Outcome>();
  readonly #pool: pg.Pool;
  readonly #isLocal: (id: number) => boolean;

  constructor(pool: pg.Pool, isLocal: (id: number) => boolean) {
    this.#pool = pool;
    this.#isLocal = isLocal;
  }

  has(id: number): boolean {
    return this.#waiters.has(id);
  }

  /** Undefined: there is no such invocation. */
  async attach(id: number, signal: AbortSignal | undefined): Promise<Outcome | undefined> {
    const remembered = this.#remembered.get(id);
    if (remembered) return remembered;
    // Waiting starts before looking, so that an end in between is not missed.
    const waiting = this.#waiters.wait(id, signal);
    try {
      if (!this.#isLocal(id)) {
        const outcome = (await readOutcomes(this.#pool, [id])).get(id);
        if (outcome !== "pending") return outcome;
      }
      return await waiting.outcome;
    } finally {
      waiting.leave();
    }
  }

  /** Tells all who wait that they wait in vain. */
  rejectAll(reason: unknown): void {
    this.#waiters.rejectAll(reason);
  }

  settle(id: number, outcome: Outcome): void {
    this.#waiters.settle(id, outcome);
  }

  /** An outcome that whoever stored the call is about to ask for. */
  remember(id: number, outcome: Outcome): void {
    this.#remembered.set(id, outcome);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }

  /** Of these, those that run elsewhere may have ended. */
  async settleElsewhere(ids: readonly number[]): Promise<void> {
    const elsewhere = ids.filter((id) => this.#waiters.has(id) && !this.#isLocal(id));
    if (elsewhere.length === 0) return;
    const outcomes = await readOutcomes(this.#pool, elsewhere);
    for (const [id, outcome] of outcomes) if (outcome !== "pending") this.#waiters.settle(id, outcome);
    if (outcomes.size < elsewhere.length) await this.#rejectMissing(elsewhere.filter((id) => !outcomes.has(id)));
  }

  async #rejectMissing(ids: readonly number[]): Promise<void> {
    for (const id of await findMissing(this.#pool, ids)) this.#waiters.reject(id, gone(id));
  }

  /** What makes it true where hints were lost: those not looked at for longest. */
  lookAtOldest(): Promise<void> {
    return this.settleElsewhere(this.#waiters.oldest(LOOKED_AT_ONCE));
  }
}

function gone(id: number): TerminalError {
  return new TerminalError(
    `invocation ${formatInvocationId(id)} is not in the database any more: it was deleted, or was lost with a failover ` +
      `to a replica that did not have it; look before you repeat the call`,
    "not_found",
  );
}
