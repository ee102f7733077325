import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { startEmbeddedPostgres } from "../src/postgres/index.ts";

/** A Postgres with durable settings in a directory of its own. */
export interface BenchPostgres {
  readonly pid: number;
  /** A new, empty database. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startBenchPostgres(): Promise<BenchPostgres> {
  const dataDir = await temporaryDirectory();
  const server = await startEmbeddedPostgres({ dataDir, settings: { max_connections: "150" } });
  return {
    pid: server.pid,
    async createDatabase(name) {
      const admin = new pg.Client({ connectionString: server.url });
      await admin.connect();
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name}`);
      await admin.end();
      return server.url.replace(/\/[^/]*$/, `/${name}`);
    },
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), "hydra-bench-"));
}
