import type pg from "pg";
import { crashPoint } from "../crash-points.ts";

// One transaction as one pipeline of the extended protocol.
//
// All messages up to Sync are one transaction: no begin, no commit, one fsync,
// and a failure rolls back all of it. A stage that is not the last ends with
// Flush instead of Sync: its rows come back while the transaction stays open,
// so that later stages may depend on them at the price of a round trip.
//
//   P1. Statements run in the order given; rows belong to the statement at the
//       head of the line, which leaves it at its CommandComplete.
//   P2. After an error the server skips everything up to Sync, so Sync is sent
//       at once and the rest of the program never runs.
//   P3. The program's code after its last stage runs only once the server said
//       ReadyForQuery: the transaction is committed.
//   P4. A connection that breaks before that leaves the outcome open, whatever
//       it said last: the number of the batch tells (succession.ts).
//   P5. A pipeline may be sent ahead, while one before it is under way that has sent
//       its last stage: the server takes it up after that one's Sync, whether that
//       one failed or not.
//
// Rests on semi-internal parts of `pg` (Submittable, Connection); both packages
// are pinned and test/engine/store/pipeline.pg.test.ts covers what is used.

/** A named statement with its parameters: Buffers go out as binary, strings as text. */
export interface Statement {
  /** Same name, same text: it is prepared once per connection. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly (Buffer | string | null)[];
}

/** A row as the server sent it, in text form. */
export type Row = readonly (string | null)[];

/** Statements that go out together. */
export interface Stage {
  readonly statements: readonly Statement[];
  /** Commits. */
  readonly last: boolean;
}

/** Yields stages, gets the rows of each statement of the stage. Synchronous; the return value is the result. */
export type Program<T> = Generator<Stage, T, Row[][]>;

/** The parts of pg's Connection that are used here. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(query: { name: string; text: string }): void;
  bind(config: { statement: string; values: readonly (Buffer | string | null)[] }): void;
  execute(config: Record<string, never>): void;
  flush(): void;
  sync(): void;
}

/** A transaction under way; handed to `client.query`, which calls the handlers. */
export class Pipeline<T> {
  readonly done: Promise<T>;
  #program: Program<T>;
  #prepared: Set<string>;
  #settle: { resolve(value: T): void; reject(error: unknown): void };
  #rows: Row[][] = [];
  #head = 0;
  #result: { value: T } | undefined;
  #stage: Stage | undefined;
  #synced = false;
  #onLastStage: () => void;
  /** Of being sent ahead; undefined: it was not. */
  #sentAhead: { readonly problem: Error | undefined } | undefined;

  /**
   * `prepared`: names known on this connection; the caller empties it (and deallocates) after an error.
   * `onLastStage`: called when all of it has been sent.
   */
  constructor(program: Program<T>, prepared: Set<string>, onLastStage: () => void) {
    this.#program = program;
    this.#prepared = prepared;
    this.#onLastStage = onLastStage;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.done = promise;
    this.#settle = { resolve, reject };
  }

  /** Its turn has come: called by the client, which gives it what the server answers from now on. */
  submit(connection: pg.Connection): Error | undefined {
    return this.#sentAhead ? this.#sentAhead.problem : this.#advance(connection as unknown as Wire, undefined);
  }

  /** Sends the first stage before its turn (P5). */
  sendAhead(connection: pg.Connection): void {
    this.#sentAhead = { problem: this.#advance(connection as unknown as Wire, undefined) };
  }

  handleDataRow(message: { fields: Row }): void {
    this.#rows[this.#head]?.push(message.fields);
  }

  handleCommandComplete(_message: unknown, connection: pg.Connection): void {
    this.#head++;
    if (this.#stage && !this.#stage.last && this.#head === this.#stage.statements.length) {
      this.#advance(connection as unknown as Wire, this.#rows);
    }
  }

  handleReadyForQuery(): void {
    try {
      const next = this.#program.next(this.#rows);
      if (!next.done) throw new Error("a pipeline's last stage must be its last");
      this.#result = { value: next.value };
    } catch (error) {
      this.#settle.reject(error);
      return;
    }
    this.#settle.resolve(this.#result.value);
  }

  handleError(error: Error & { severity?: string }, connection: pg.Connection): void {
    // One of the connection's own has no severity, and nobody to talk to.
    if (error.severity !== undefined && !this.#synced) (connection as unknown as Wire).sync();
    this.#settle.reject(error);
  }

  handleRowDescription(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}

  #advance(wire: Wire, rows: Row[][] | undefined): Error | undefined {
    let stage: Stage;
    try {
      const next = rows ? this.#program.next(rows) : this.#program.next();
      if (next.done) throw new Error("a pipeline needs a last stage");
      stage = next.value;
    } catch (error) {
      // Nothing is open before the first stage; later the transaction is rolled
      // back by an error of our own making at its Sync.
      if (!rows) return error as Error;
      this.#abort(wire, error);
      return undefined;
    }
    this.#stage = stage;
    this.#rows = stage.statements.map(() => []);
    this.#head = 0;
    this.#send(wire, stage);
    return undefined;
  }

  #send(wire: Wire, stage: Stage): void {
    wire.stream.cork();
    for (const { name, text, values } of stage.statements) {
      if (!this.#prepared.has(name)) {
        wire.parse({ name, text });
        this.#prepared.add(name);
      }
      wire.bind({ statement: name, values });
      wire.execute({});
    }
    if (stage.last) {
      this.#synced = true;
      wire.sync();
    } else {
      wire.flush();
    }
    wire.stream.uncork();
    crashPoint(stage.last ? "batch:sync-sent" : "batch:stage-sent");
    if (stage.last) this.#onLastStage();
  }

  #abort(wire: Wire, cause: unknown): void {
    this.#settle.reject(cause);
    this.#stage = undefined;
    this.#synced = true;
    wire.stream.cork();
    wire.parse({ name: "", text: "select 1/0" });
    wire.bind({ statement: "", values: [] });
    wire.execute({});
    wire.sync();
    wire.stream.uncork();
  }
}
