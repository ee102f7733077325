import { EngineUnavailableError } from "./errors.ts";

/** What exclusive invocations stand in line for. */
export interface LineOf {
  readonly service: string;
  readonly key: string;
}

/** A line and how many wait in it. */
export interface LineLength extends LineOf {
  readonly waiting: number;
}

/** Of a key that nobody holds: the next one need not wait. */
const FREE = -1;

const REMEMBERED = 1_000;
const RETRY_AFTER_MS = 5_000;
const SHOWN_CHARACTERS = 80;

/**
 * The bound of how many wait for one key. To ask the database costs a batch a
 * round trip, so that is done only for keys that are known, or about, to be
 * half full. What is remembered here is a hint; refused is what the table says.
 */
export class KeyLines {
  /** The most that may wait for a key before calls from outside are refused. */
  readonly limit: number;
  readonly #crowded = new Map<string, LineOf>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** A line from this length on is looked at before a call joins it. */
  get crowdedFrom(): number {
    return Math.ceil(this.limit / 2);
  }

  /** Notes how long lines are. */
  note(lengths: Iterable<LineLength>): void {
    for (const { service, key, waiting } of lengths) {
      const name = nameOf({ service, key });
      this.#crowded.delete(name);
      if (waiting >= this.crowdedFrom) this.#crowded.set(name, { service, key });
    }
    // The rest is looked at again as soon as somebody joins it.
    for (const name of this.#crowded.keys()) {
      if (this.#crowded.size <= REMEMBERED) break;
      this.#crowded.delete(name);
    }
  }

  /** Those of the lines that have to be looked at before so many join them. */
  toLookAt(joining: Iterable<LineOf>): LineOf[] {
    const counts = new Map<string, { line: LineOf; count: number }>();
    for (const line of joining) {
      const known = counts.get(nameOf(line));
      if (known) known.count++;
      else counts.set(nameOf(line), { line, count: 1 });
    }
    return [...counts]
      .filter(([name, { count }]) => this.#crowded.has(name) || count > this.crowdedFrom)
      .map(([, { line }]) => line);
  }

  /** Judges who joins lines, one after the other. `looked`: those that were asked for, `found`: those of them that exist. */
  judge(looked: readonly LineOf[], found: readonly LineLength[]): (line: LineOf) => EngineUnavailableError | undefined {
    const lengths = [...looked.map((line) => ({ ...line, waiting: FREE })), ...found];
    this.note(lengths);
    const waiting = new Map(lengths.map((length) => [nameOf(length), length.waiting]));
    return (line) => {
      const before = waiting.get(nameOf(line));
      if (before === undefined) return undefined;
      if (before >= this.limit) return this.#refusal(line);
      waiting.set(nameOf(line), before + 1);
      return undefined;
    };
  }

  #refusal({ service, key }: LineOf): EngineUnavailableError {
    const shown = key.length > SHOWN_CHARACTERS ? `${key.slice(0, SHOWN_CHARACTERS)}…` : key;
    const message =
      `${this.limit} calls wait for their turn at ${service} ${JSON.stringify(shown)}, and no more are taken: ` +
      "try again once some of them have run, or cancel some";
    return new EngineUnavailableError(message, "exhausted", { retryAfterMs: RETRY_AFTER_MS });
  }
}

function nameOf({ service, key }: LineOf): string {
  return `${service}/${key}`;
}
