// Answers every request, after one INSERT where it has a database. Run by itself
// it is that server; the benchmark starts it in a process of its own, as hydra is.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import pg from "pg";

const POOL_SIZE = 10;

export interface FloorServer extends AsyncDisposable {
  readonly url: string;
}

export async function startFloorServer(databaseUrl?: string): Promise<FloorServer> {
  const child = fork(fileURLToPath(import.meta.url), databaseUrl === undefined ? [] : [databaseUrl]);
  const [port] = (await once(child, "message")) as [number];
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}

async function serve(work: () => Promise<unknown>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      work().then(
        () => response.writeHead(200, { "content-type": "application/json" }).end("{}"),
        () => response.writeHead(500).end(),
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send?.((server.address() as AddressInfo).port);
}

async function inserting(databaseUrl: string): Promise<() => Promise<unknown>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  await pool.query("create table plain (id bigint generated always as identity primary key, value text not null)");
  const insert = { name: "insert", text: "insert into plain (value) values ($1)", values: ["x".repeat(100)] };
  return () => pool.query(insert);
}

const [, program, databaseUrl] = process.argv;
if (program === fileURLToPath(import.meta.url)) {
  await serve(databaseUrl === undefined ? () => Promise.resolve() : await inserting(databaseUrl));
}
