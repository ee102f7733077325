// Stands for the first process of a container, one that collects no orphans:
// kills a host, whose Postgres is then its orphan, and starts the next.

import { startHost } from "./host-process.ts";

const [dataDir = ""] = process.argv.slice(2);
const killed = await startHost(dataDir);
await killed.kill();
const next = await startHost(dataDir);
process.stdout.write(`ready after ${Math.round(next.readyMs)} ms\n`);
await next.end("stop");
// The killed one's Postgres has ended long since, but is still in the list of processes.
process.exit();
