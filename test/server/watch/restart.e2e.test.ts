import { expect, test } from "vitest";
import { migrate } from "../../../src/engine/index.ts";
import type { WatchResponse } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../../src/postgres/index.ts";
import { type LogStanding, readLogStanding, rolloutMigrations } from "../../../src/rollout/index.ts";
import { useDataDirectory } from "../../postgres/data-directory.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { EventLog } from "./event-log.ts";
import { startWatchServer, type WatchServer } from "./watch-server.ts";

refuseLeaks();

const dataDir = useDataDirectory();

async function write(url: string, what: string, count: number): Promise<LogStanding> {
  await using log = new EventLog(url, 1);
  for (let i = 0; i < count; i++) await log.add([{ rolloutId: "rol_a", sentinelId: what }]);
  return await readLogStanding(log.pool);
}

/** The first messages of one that goes on from there, each as a line, and the last epoch it is told. */
async function goOn(server: WatchServer, afterSequence: bigint, epoch: string, count: number) {
  const lines: string[] = [];
  let told: string | undefined;
  for await (const response of server.client.watch({ afterSequence, epoch })) {
    told = response.epoch ?? told;
    if (lines.push(lineOf(response)) === count) break;
  }
  return { lines, told };
}

function lineOf({ message }: WatchResponse): string {
  if (message.case === "event") return `${message.value.sequence} ${message.value.sentinelId}`;
  return `${message.case} ${message.value?.sequence}`;
}

/** Until the test ends, whatever has become of it. */
class Postgres implements AsyncDisposable {
  #running: EmbeddedPostgres | undefined;

  async start(): Promise<string> {
    this.#running = await startEmbeddedPostgres({ dataDir: dataDir() });
    return this.#running.url;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    process.kill(this.#running!.pid, signal);
    await this.#running!.exited;
    await this.#running!.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.stop();
  }
}

test.each([
  { how: "fast", signal: "SIGINT" },
  { how: "immediately", signal: "SIGQUIT" },
] as const)(
  "Postgres is stopped $how and started under a server: who comes back before or after the next write hears no reset, and misses nothing",
  async ({ signal }) => {
    await using postgres = new Postgres();
    const url = await postgres.start();
    await migrate({ databaseUrl: url, ...rolloutMigrations });
    const { epoch } = await write(url, "before", 5);
    await using server = startWatchServer(url, { pollMs: 20 });
    await goOn(server, 0n, epoch, 5);
    await postgres.end(signal);
    expect(await postgres.start()).toBe(url);
    const early = await eventually(() => goOn(server, 3n, epoch, 2), { timeoutMs: 30_000 });
    expect(early).toEqual({ lines: ["4 before", "5 before"], told: epoch });
    const after = await write(url, "after", 2);
    expect(after.epoch).not.toBe(epoch);
    const all = { lines: ["5 before", "6 after", "7 after"], told: after.epoch };
    expect(await goOn(server, 4n, epoch, 3)).toEqual(all);
    await using fresh = startWatchServer(url);
    expect(await goOn(fresh, 4n, epoch, 3)).toEqual(all);
    expect(await goOn(fresh, 6n, after.epoch, 1)).toEqual({ lines: ["7 after"], told: after.epoch });
  },
);
