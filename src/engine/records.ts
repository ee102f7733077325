import type pg from "pg";
import type { Accepted, InvocationFilter, InvocationRecord, JournalRecord, OpenInvocations, Outcome } from "./api.ts";
import { formatInvocationId, parseInvocationId } from "./ids.ts";
import { countOpenInvocations } from "./store/counts.ts";
import { listInvocations, readInvocation, readJournal } from "./store/invocations.ts";
import { findByIdempotencyKey, readOutcomes, readStates } from "./store/reads.ts";

/** What callers and operators may read of the tables, by public ids. */
export class Records {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** What the caller of an invocation is told. */
  async accepted(id: number, { repeated, delayed }: { repeated: boolean; delayed: boolean }): Promise<Accepted> {
    const invocationId = formatInvocationId(id);
    if (!delayed) return { invocationId, repeated };
    const startAt = (await readInvocation(this.#pool, id))?.startAt;
    return { invocationId, repeated, ...(startAt ? { startAt } : {}) };
  }

  async output(invocationId: string): Promise<Outcome | "pending" | undefined> {
    const id = parseInvocationId(invocationId);
    return (await readOutcomes(this.#pool, [id])).get(id);
  }

  async lookup(call: Parameters<typeof findByIdempotencyKey>[1]): Promise<string | undefined> {
    const id = await findByIdempotencyKey(this.#pool, call);
    return id === undefined ? undefined : formatInvocationId(id);
  }

  async list(filter: InvocationFilter): Promise<InvocationRecord[]> {
    return await listInvocations(this.#pool, filter);
  }

  async get(invocationId: string): Promise<{ invocation: InvocationRecord; journal: JournalRecord[] } | undefined> {
    const id = parseInvocationId(invocationId);
    const invocation = await readInvocation(this.#pool, id);
    return invocation && { invocation, journal: await readJournal(this.#pool, id) };
  }

  state(service: string, key: string): Promise<Map<string, string>> {
    return readStates(this.#pool, service, key);
  }

  countOpen(): Promise<OpenInvocations> {
    return countOpenInvocations(this.#pool);
  }
}
