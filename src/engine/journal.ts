import { JournalMismatchError } from "./errors.ts";
import type { FailureKind } from "./errors.ts";

// Replay cursor. Owned by one attempt; pure: no I/O, no clock.
//   J1. Entries take their numbers in the order in which a handler makes them.
//   J2. A record whose kind or name differs from what the handler does now
//       throws JournalMismatchError; nothing is written after that.
//   J3. A number without a record is live: the handler does it for the first
//       time. Awakeables may have a record ahead of the handler.
//   J4. A `cancel` record names the entries whose awaits were cancelled; it
//       takes a number of its own and is skipped.

export type EntryKind =
  | "run"
  | "tx"
  | "call"
  | "send"
  | "fan_out"
  | "sleep"
  | "awakeable"
  | "get"
  | "set"
  | "clear"
  | "now"
  | "random"
  | "race"
  | "cancel";

/** How something durable ended: a JSON text, or a failure. */
export type Completion =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly kind: FailureKind; readonly message: string };

/** An entry as it was read back. */
export interface EntryRecord {
  readonly entry: number;
  readonly kind: EntryKind;
  readonly name: string;
  /** Unset: what it waits for has not come. */
  readonly completion: Completion | undefined;
  readonly childId: number | undefined;
  /** sleep: milliseconds until it fires. */
  readonly remainingMs: number | undefined;
}

/** Where the handler stands in its journal. */
export class JournalCursor {
  readonly #records: Map<number, EntryRecord>;
  readonly #cancelled = new Set<number>();
  #next = 0;

  constructor(records: readonly EntryRecord[]) {
    this.#records = new Map(records.map((record) => [record.entry, record]));
    for (const { kind, completion } of records) {
      if (kind !== "cancel" || !completion?.ok) continue;
      for (const entry of JSON.parse(completion.value) as number[]) this.#cancelled.add(entry);
    }
  }

  /** Takes the next number, with its record if this is a replay. */
  take(kind: EntryKind, name: string): { entry: number; record: EntryRecord | undefined } {
    let entry = this.#next++;
    while (this.#records.get(entry)?.kind === "cancel") entry = this.#next++;
    const record = this.#records.get(entry);
    if (record && (record.kind !== kind || (record.name !== name && kind !== "awakeable"))) {
      throw new JournalMismatchError(
        `entry ${entry}: the journal has ${describe(record.kind, record.name)}, the handler now does ${describe(kind, name)}`,
      );
    }
    return { entry, record };
  }

  /** Whether the await of this entry was cancelled before. */
  wasCancelled(entry: number): boolean {
    return this.#cancelled.has(entry);
  }

  /** Throws where the handler ends although its journal goes on. */
  assertAtEnd(): void {
    for (const { entry, kind, name } of this.#records.values()) {
      if (entry < this.#next || kind === "awakeable" || kind === "cancel") continue;
      throw new JournalMismatchError(`entry ${entry}: the journal has ${describe(kind, name)}, the handler now ends`);
    }
  }
}

/** What a fan-out's entry holds once every call has ended. */
export function fanOutValue(children: number, failed: number): string {
  return JSON.stringify({ succeeded: children - failed, failed });
}

function describe(kind: EntryKind, name: string): string {
  return name === "" ? kind : `${kind} "${name}"`;
}
