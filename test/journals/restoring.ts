import type pg from "pg";
import type { RecordedCall, RecordedEntry, RecordedJournal } from "./recording.ts";

// Puts a recorded journal, or its beginning, into a database as an invocation that nobody runs, as a server of then would
// have left it. Before any engine is started there.

const OPEN = { output: undefined, failureKind: null, failure: null };

export class Restorer {
  readonly #pool: pg.Pool;
  #nextId = 1;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** The first `entries` of it. Its key is its own: `suffix` keeps several of one journal apart. */
  async restore(recorded: RecordedJournal, entries: number, suffix: string): Promise<number> {
    const id = await this.#insert({ ...recorded, ...OPEN }, suffix);
    const kept = recorded.journal.filter(({ entry }) => entry < entries);
    const last = recorded.journal.findLast(({ entry }) => entry < entries);
    for (const entry of kept) await this.#restoreEntry(id, named(entry, recorded.key, suffix), suffix, entry === last);
    return id;
  }

  /** Ids that were used here are taken. Call it at the end. */
  async finish(): Promise<void> {
    await this.#pool.query("update engine.shared set next_id = next_id + $1", [this.#nextId]);
  }

  async #restoreEntry(id: number, entry: RecordedEntry, suffix: string, isLast: boolean): Promise<void> {
    const { children = [], kind } = entry;
    // What the last entry waits for has not come.
    const isOpen = isLast && (kind === "fan_out" || kind === "call") && children.length > 0;
    let childId: number | null = null;
    for (const [index, child] of children.entries()) {
      const outcome = isOpen ? OPEN : {};
      const born = await this.#insert({ ...child, ...outcome }, `${suffix}.${entry.entry}.${index}`, [id, entry.entry]);
      childId ??= born;
    }
    const isFanOut = kind === "fan_out";
    await this.#pool.query(
      `insert into engine.journal (invocation_id, entry, kind, name, value, failure_kind, failure, child_id, children, open, failed)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        id,
        entry.entry,
        kind,
        entry.name,
        text(entry.value),
        entry.failureKind,
        entry.failure,
        childId,
        isFanOut ? children.length : null,
        isFanOut ? (isOpen ? children.length : 0) : null,
        isFanOut ? (isOpen ? 0 : entry.failed) : null,
      ],
    );
    // By now its time has come.
    if (kind === "sleep") await this.#pool.query("insert into engine.timers values ($1, $2, now())", [id, entry.entry]);
  }

  async #insert(
    call: RecordedCall,
    suffix: string,
    parent: [number, number] | [null, null] = [null, null],
  ): Promise<number> {
    const id = this.#nextId++;
    const { service, handler, exclusive, input, output, failureKind, failure } = call;
    const key = `${call.key}~${suffix}`;
    const hasEnded = output !== undefined || failureKind !== null;
    const status = failureKind !== null ? "failed" : hasEnded ? "succeeded" : "ready";
    await this.#pool.query(
      `insert into engine.invocations (id, service, key, handler, exclusive, status, priority, parent_id, parent_entry, input,
                                       output, failure_kind, failure, attempts, completed_at)
       values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, 1, case when $13 then now() end)`,
      [
        id,
        service,
        key,
        handler,
        exclusive,
        status,
        ...parent,
        text(input),
        text(output),
        failureKind,
        failure,
        hasEnded,
      ],
    );
    if (exclusive && !hasEnded) {
      await this.#pool.query("insert into engine.keys (service, key, holder) values ($1, $2, $3)", [service, key, id]);
    }
    return id;
  }
}

/** A call's name tells its key, which may be made of the caller's. */
function named(entry: RecordedEntry, callerKey: string, suffix: string): RecordedEntry {
  const isCall = entry.kind === "call" || entry.kind === "send";
  return isCall ? { ...entry, name: entry.name.replace(`/${callerKey} `, `/${callerKey}~${suffix} `) } : entry;
}

function text(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
