// Stands for hydra in the tests that kill it: starts the embedded Postgres in
// the directory that it is told, and does what its parent says.

import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import type { HostMessage, HostOrder } from "./host-process.ts";

const [dataDir = ""] = process.argv.slice(2);

function tell(message: HostMessage): void {
  process.send?.(message);
}

// A test run that was killed takes its hosts along.
process.once("disconnect", () => process.exit());

try {
  const startedAt = performance.now();
  const postgres = await startEmbeddedPostgres({ dataDir, log: (text) => tell({ kind: "log", text }) });
  const readyMs = performance.now() - startedAt;
  process.on("message", (order: HostOrder) => {
    if (order === "exit") process.exit(0);
    void postgres.stop().then(() => process.exit(0));
  });
  tell({ kind: "ready", url: postgres.url, socketDir: postgres.socketDir, postgresPid: postgres.pid, readyMs });
} catch (error) {
  tell({ kind: "failed", message: (error as Error).message });
  process.disconnect();
}
