import pg from "pg";
import type { Engine } from "../../../src/engine/index.ts";
import { type Call, EXECUTE } from "./orders.ts";
import { textOf } from "./outcome-text.ts";
import type { VictimProcess } from "./victim-process.ts";

/** What callers were told, of whichever node, and what they called. */
export class Acknowledged {
  readonly calls = new Map<string, Call>();
  readonly #ids = new Map<string, string>();
  readonly #outcomes = new Map<string, string>();
  readonly #contradictions: string[] = [];

  /** What was told and then told otherwise, and refusals that do not say "try again": must stay empty (E1). */
  get contradictions(): readonly string[] {
    return this.#contradictions;
  }

  called(call: Call): Call {
    this.calls.set(call.name, call);
    return call;
  }

  /** Makes the calls, and does not wait for their ends. */
  async accept(engine: Engine): Promise<void> {
    await Promise.all(
      Array.from(this.calls.values(), async ({ kind, key, name }) => {
        const call = { service: "kinds", handler: kind, key, input: name, idempotencyKey: name };
        this.#note(this.#ids, name, (await engine.invoke(call)).invocationId);
      }),
    );
  }

  /** Takes down what a process said before it was killed. */
  hear(victim: VictimProcess): void {
    for (const { name, invocationId } of victim.told("accepted")) this.#note(this.#ids, name, invocationId);
    for (const { name, outcome } of victim.told("ended")) this.#note(this.#outcomes, name, outcome);
    for (const { name, failure, reason } of victim.told("refused")) {
      if (failure !== "unavailable" && !isConnectionLost(reason))
        this.#contradictions.push(`E1. ${name}: refused with ${failure}: ${reason}`);
    }
  }

  /**
   * Repeats calls with their idempotency keys, as their callers would, and waits
   * for their ends: what was told before must be told again.
   */
  async repeat(engine: Engine, calls: Iterable<Call> = this.calls.values()): Promise<void> {
    await Promise.all(
      Array.from(calls, async ({ kind, key, name }) => {
        // It has no key by which it could be repeated.
        if (kind === EXECUTE) return;
        const call = { service: "kinds", handler: kind, key, input: name, idempotencyKey: name };
        const { invocationId } = await engine.invoke(call);
        this.#note(this.#ids, name, invocationId);
        this.#note(this.#outcomes, name, textOf(await engine.attach(invocationId)));
      }),
    );
  }

  /** Effects from outside that somebody was told of, and that are not there: must stay empty (E1). */
  async lostEffects(databaseUrl: string): Promise<string[]> {
    const executed = [...this.calls.values()].filter(({ kind, name }) => kind === EXECUTE && this.#outcomes.has(name));
    if (executed.length === 0) return [];
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const sql = "select w.name from unnest($1::text[]) as w(name) where w.name not in (select name from notes)";
      const { rows } = await client.query<{ name: string }>(sql, [executed.map(({ name }) => name)]);
      return rows.map(({ name }) => `E1. an effect that was told of is not there: ${name}`);
    } finally {
      await client.end();
    }
  }

  #note(told: Map<string, string>, name: string, what: string): void {
    const before = told.get(name);
    if (before !== undefined && before !== what) {
      this.#contradictions.push(`E1. ${name}: told ${before}, and later ${what}`);
    }
    told.set(name, what);
  }
}

/** A read whose connection broke is not repeated; callers of a server are told `unavailable` (server/connect-errors.ts). */
function isConnectionLost(reason: string): boolean {
  return /Connection terminated|terminating connection|timeout|\b(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT)\b/.test(
    reason,
  );
}
