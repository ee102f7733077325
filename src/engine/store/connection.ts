import pg from "pg";
import { type Program, Pipeline } from "./pipeline.ts";

// Connections that write batches.
//
// - Durability and isolation are set here, since invariant E1 rests on them.
// - Plans: a statement prepared while its table was small would keep its hash
//   join and sequential scan while the table grows (measured: an eighth of the
//   speed), so only nested loops over indexes are left to choose from.

const SETTINGS: Record<string, string> = {
  synchronous_commit: "on",
  default_transaction_isolation: "read\\ committed",
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
};

/** A connection that runs pipelines, one after the other. */
export class WriterConnection {
  readonly #client: pg.Client;
  readonly #prepared = new Set<string>();

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** `onLost` is called once when the connection breaks. */
  static async open(databaseUrl: string, onLost: (error: Error) => void): Promise<WriterConnection> {
    const options = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
    const client = new pg.Client({
      connectionString: databaseUrl,
      options: options.join(" "),
      application_name: "hydra engine writer",
      keepAlive: true,
    });
    let lost = false;
    client.on("error", (error) => {
      if (lost) return;
      lost = true;
      onLost(error);
    });
    await client.connect();
    return new WriterConnection(client);
  }

  /** Commits the program, or none of it. */
  async transact<T>(program: Program<T>): Promise<T> {
    const pipeline = new Pipeline(program, this.#prepared);
    this.#client.query(pipeline as unknown as pg.Submittable);
    return await pipeline.done;
  }

  /** Forgets prepared statements: after an error it is not known which of them exist. */
  async reset(): Promise<void> {
    this.#prepared.clear();
    await this.#client.query("deallocate all");
  }

  /** For statements that are not part of a batch. */
  async query<R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#client.query<R>(text, values)).rows;
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
