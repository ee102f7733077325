import type { Attempt } from "./attempt.ts";
import type { HandlerRef } from "./definition.ts";
import { JournalMismatchError } from "./errors.ts";
import { type EntryKind, type EntryRecord, JournalCursor } from "./journal.ts";
import type { Birth, EntryWrite, Operation } from "./operations.ts";

/** Where an attempt stands in its journal, and its pen. */
export class Recorder {
  readonly cursor: JournalCursor;
  /** Set once the handler has left its journal's path; nothing is written from then on. */
  mismatch: JournalMismatchError | undefined;
  /** The operation taken last was in the journal. */
  replaying = false;
  readonly #attempt: Attempt;

  constructor(attempt: Attempt, records: readonly EntryRecord[]) {
    this.#attempt = attempt;
    this.cursor = new JournalCursor(records);
  }

  /** Takes the next number, with its record if this is a replay. */
  take(kind: EntryKind, name: string): { entry: number; record: EntryRecord | undefined } {
    if (this.mismatch) throw this.mismatch;
    try {
      const taken = this.cursor.take(kind, name);
      this.replaying = taken.record !== undefined;
      return taken;
    } catch (error) {
      if (error instanceof JournalMismatchError) this.mismatch = error;
      throw error;
    }
  }

  entry(entry: number, entryKind: EntryKind, name: string, rest: Partial<EntryWrite>): EntryWrite {
    return { kind: "entry", invocationId: this.#attempt.invocation.id, entry, entryKind, name, ...rest };
  }

  /** Resolves after the commit; never, where the attempt ends before. */
  write(operations: readonly Operation[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.mismatch)
      this.#attempt.submit(
        () => operations,
        () => {
          if (!this.#attempt.ended) resolve();
        },
        [],
        operations.length,
      );
    return promise;
  }

  /** Throws where the handler ends although its journal goes on. */
  assertFinished(): void {
    if (this.mismatch) throw this.mismatch;
    this.cursor.assertAtEnd();
  }
}

/** The birth of an invocation that an attempt calls. */
export function childBirth<I, O>(
  { invocation, host }: Attempt,
  handler: HandlerRef<I, O>,
  key: string,
  input: I,
  id: number,
  rest: Partial<Birth>,
): Birth {
  return {
    kind: "birth",
    id,
    service: handler.service,
    key,
    handler: handler.name,
    exclusive: host.isExclusive(handler.service, handler.name),
    priority: 0,
    claim: false,
    input: handler.input.encode(input),
    parentId: invocation.id,
    ...(invocation.requestId === undefined ? {} : { requestId: invocation.requestId }),
    ...rest,
  };
}
