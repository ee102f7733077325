// A server in a process of its own: the handlers of handlers.ts on DATABASE_URL.
// LIMITS are the engine's, as JSON. SIGTERM stops it as it stops hydra.

import pg from "pg";
import { pino } from "pino";
import { createEngine } from "../../../src/engine/index.ts";
import { startServer } from "../../../src/server/index.ts";
import { manyHandlers } from "./handlers.ts";

const databaseUrl = process.env["DATABASE_URL"] ?? "";

// A test run that was killed takes its servers along.
process.once("disconnect", () => process.exit());

const engine = createEngine({
  databaseUrl,
  handlers: manyHandlers(),
  limits: JSON.parse(process.env["LIMITS"] ?? "{}"),
});
await engine.start();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
pool.on("error", () => {});
const server = await startServer({
  engine,
  pool,
  databaseUrl,
  host: "127.0.0.1",
  port: 0,
  log: pino({ level: "silent" }),
  version: "0.0.0-test",
});

async function stop(): Promise<void> {
  await server.stop();
  await engine.stop();
  await pool.end();
  process.disconnect();
}

process.once("SIGTERM", () => void stop());
process.on("message", (order: { kind: "collect" | "memory" }) => {
  if (order.kind === "collect") globalThis.gc?.();
  process.send?.({ kind: "memory", ...process.memoryUsage(), pid: process.pid });
});
process.send?.({ kind: "ready", url: server.url, pid: process.pid });
