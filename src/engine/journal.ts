import { JournalMismatchError } from "./errors.ts";
import type { FailureKind } from "./errors.ts";

// Replay cursor. Owned by one attempt; pure: no I/O, no clock.
//   J1. Entries take their numbers in the order in which a handler makes them.
//   J2. A record whose kind or name differs from what the handler does now
//       throws JournalMismatchError; nothing is written after that.
//   J3. A number without a record is live: the handler does it for the first
//       time. Awakeables may have a record ahead of the handler.
//   J4. A `cancel` record names the entries whose awaits were cancelled, once
//       for each await; it takes a number of its own and is skipped.

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
  /** How many awaits of an entry are still to be cancelled. */
  readonly #cancelled = new Map<number, number>();
  /** Records that the handler has not come to. */
  #ahead = 0;
  #next = 0;

  constructor(records: readonly EntryRecord[]) {
    this.#records = new Map(records.map((record) => [record.entry, record]));
    for (const { kind, completion } of records) {
      if (kind !== "cancel") this.#ahead++;
      else if (completion?.ok) {
        for (const entry of JSON.parse(completion.value) as number[]) {
          this.#cancelled.set(entry, (this.#cancelled.get(entry) ?? 0) + 1);
        }
      }
    }
  }

  /** The handler has come to everything that is recorded. */
  get live(): boolean {
    return this.#ahead === 0;
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
    if (record) this.#ahead--;
    return { entry, record };
  }

  /** Whether this await of the entry was cancelled before; asked once for each await. */
  wasCancelled(entry: number): boolean {
    const left = this.#cancelled.get(entry) ?? 0;
    if (left > 0) this.#cancelled.set(entry, left - 1);
    return left > 0;
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
