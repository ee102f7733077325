import type { Socket } from "node:net";
import pg from "pg";
import { closeClient, cutClient } from "./goodbye.ts";
import { type Program, Pipeline } from "./pipeline.ts";
import { CONNECTION, inTime, sessionSettings } from "./session.ts";

// Connections that write batches.
//
// - Durability and isolation are set here, since invariant E1 rests on them.
// - Plans: a statement prepared while its table was small would keep its hash
//   join and sequential scan while the table grows (measured: an eighth of the
//   speed), so only nested loops over indexes are left to choose from.

const SETTINGS: Record<string, string> = {
  synchronous_commit: "on",
  default_transaction_isolation: "read committed",
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
};

/** A connection that runs pipelines, one after the other; the next may be sent while one is under way. */
export class WriterConnection {
  readonly #client: pg.Client;
  readonly #prepared = new Set<string>();
  #underWay = 0;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** `onLost` is called once when the connection breaks. */
  static async open(databaseUrl: string, onLost: (error: Error) => void): Promise<WriterConnection> {
    const client = new pg.Client({
      ...CONNECTION,
      connectionString: databaseUrl,
      application_name: "hydra engine writer",
    });
    let lost = false;
    client.on("error", (error) => {
      if (lost) return;
      lost = true;
      onLost(error);
    });
    try {
      await client.connect();
      const settings = Object.entries(SETTINGS).map(([name, value]) => `set ${name} = '${value}'`);
      await client.query(inTime([sessionSettings(), ...settings].join("; ")));
    } catch (error) {
      await closeClient(client);
      throw error;
    }
    return new WriterConnection(client);
  }

  /**
   * Commits the program, or none of it. `onLastStage` is called when all of it
   * has been sent: from then on, and not before, another program may be sent
   * ahead, one at a time. That one begins when this one has ended, of whatever kind.
   */
  async transact<T>(program: Program<T>, onLastStage: () => void = () => {}): Promise<T> {
    const pipeline = new Pipeline(program, this.#prepared, onLastStage);
    const isAhead = this.#underWay++ > 0;
    this.#client.query(pipeline as unknown as pg.Submittable);
    if (isAhead) pipeline.sendAhead((this.#client as unknown as { connection: pg.Connection }).connection);
    return await pipeline.done.finally(() => this.#underWay--);
  }

  /** Forgets prepared statements: after an error it is not known which of them exist. */
  async reset(): Promise<void> {
    this.#prepared.clear();
    await this.#client.query(inTime("deallocate all"));
  }

  /** Bytes that it was given to send, on their way or not. */
  get bytesGiven(): number {
    return this.#stream.bytesWritten;
  }

  get bytesReceived(): number {
    return this.#stream.bytesRead;
  }

  /** For statements that are not part of a batch. */
  async query<R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#client.query<R>(inTime(text, values))).rows;
  }

  /** Ends it without a word to a server that may be silent. */
  destroy(): void {
    cutClient(this.#client);
  }

  async close(): Promise<void> {
    await closeClient(this.#client);
  }

  get #stream(): Socket {
    return (this.#client as unknown as { connection: { stream: Socket } }).connection.stream;
  }
}
