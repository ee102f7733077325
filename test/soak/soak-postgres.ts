import path from "node:path";
import pg from "pg";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

/** An embedded Postgres with its durable settings, which may be ended and started again. */
export class SoakPostgres {
  readonly #stack: AsyncDisposableStack;
  readonly #dataDir: string;
  #server: EmbeddedPostgres;
  /** The same before and after a restart. */
  readonly url: string;

  private constructor(stack: AsyncDisposableStack, dataDir: string, server: EmbeddedPostgres) {
    this.#stack = stack;
    this.#dataDir = dataDir;
    this.#server = server;
    this.url = server.url;
  }

  static async start(): Promise<SoakPostgres> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await createTemporaryDirectory());
    const dataDir = path.join(directory.path, "data");
    const server = await startEmbeddedPostgres({ dataDir });
    return new SoakPostgres(stack.move(), dataDir, server);
  }

  async restart(signal: "SIGKILL" | "SIGQUIT" | "SIGINT", awayMs: (() => Promise<void>) | undefined): Promise<void> {
    process.kill(this.#server.pid, signal);
    await this.#server.exited;
    await this.#server.stop();
    await awayMs?.();
    this.#server = await startEmbeddedPostgres({ dataDir: this.#dataDir });
  }

  /** Asks once, on a connection of its own, as soon as Postgres answers. */
  async ask<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    return eventually(async () => await this.snapshot(async (client) => (await client.query<T>(sql, values)).rows), {
      timeoutMs: 60_000,
    });
  }

  async change(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  /** Everything that is asked here is of one moment. */
  async snapshot<T>(look: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url });
    client.on("error", () => {});
    await client.connect();
    try {
      await client.query("begin isolation level repeatable read read only");
      return await look(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await this.#stack.disposeAsync();
  }
}
