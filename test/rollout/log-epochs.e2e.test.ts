import { execFile } from "node:child_process";
import { chown, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { migrate } from "../../src/engine/index.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { type LogStanding, readEpoch, readLogStanding, rolloutMigrations } from "../../src/rollout/index.ts";
import { useDataDirectory } from "../postgres/data-directory.ts";
import { EventLog } from "../server/watch/event-log.ts";
import { refuseLeaks } from "../support/leaks.ts";

refuseLeaks();

const dataDir = useDataDirectory();

/** Starts Postgres, does something, and stops it. */
async function running<T>(run: (url: string) => Promise<T>, settings = {}): Promise<T> {
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir: dataDir(), settings });
  try {
    await migrate({ databaseUrl: postgres.url, ...rolloutMigrations });
    return await run(postgres.url);
  } finally {
    await postgres.stop();
  }
}

async function write(url: string, events: number): Promise<LogStanding> {
  await using log = new EventLog(url, 1);
  for (let i = 0; i < events; i++) await log.add([{ rolloutId: "rol_a" }]);
  return await readLogStanding(log.pool);
}

async function endOf(url: string, epoch: string): Promise<bigint | undefined> {
  await using log = new EventLog(url, 1);
  return (await readEpoch(log.pool, epoch)).end?.eventSequence;
}

/** Copies the files of Postgres; what is returned puts them back, once it is stopped. */
async function copyFiles(): Promise<() => Promise<void>> {
  const copy = `${dataDir()}-copy`;
  await promisify(execFile)("cp", ["-a", dataDir(), copy]);
  return async () => {
    await rm(dataDir(), { recursive: true });
    await rename(copy, dataDir());
  };
}

test("Postgres is restarted: another epoch, and all positions of before hold", async () => {
  const before = await running((url) => write(url, 3));
  await running(async (url) => {
    expect(await endOf(url, before.epoch)).toBe(3n);
    const after = await write(url, 2);
    expect(after.epoch).not.toBe(before.epoch);
    expect(await endOf(url, before.epoch)).toBe(3n);
    expect(await endOf(url, after.epoch)).toBe(5n);
  });
});

test("a cold copy of the files is put back, and nothing else in the database tells: positions of later do not hold", async () => {
  await running((url) => write(url, 3));
  const putBack = await copyFiles();
  const lost = await running((url) => write(url, 2));
  await putBack();
  await running(async (url) => {
    expect((await write(url, 5)).eventSequence).toBe(8n);
    expect(await endOf(url, lost.epoch)).toBeUndefined();
  });
});

test("a copy that was taken while Postgres ran, and a recovery to its end: positions up to there hold, later ones do not", async () => {
  const { lost, putBack } = await running(async (url) => {
    await write(url, 3);
    return { putBack: await copyFiles(), lost: await write(url, 2) };
  });
  await putBack();
  await askForRecovery();
  await running(
    async (url) => {
      expect(await timelineOf(url)).toBe("00000002");
      expect((await write(url, 5)).eventSequence).toBe(8n);
      expect(await endOf(url, lost.epoch)).toBe(3n);
    },
    // Nobody may connect before it is through.
    { restore_command: "false", hot_standby: "off" },
  );
});

/** The next start recovers as from an archive, and begins another timeline. */
async function askForRecovery(): Promise<void> {
  const cluster = path.join(dataDir(), "postgres");
  const { uid, gid } = await stat(cluster);
  const signal = path.join(cluster, "recovery.signal");
  await rm(path.join(cluster, "postmaster.pid"), { force: true });
  await writeFile(signal, "");
  await chown(signal, uid, gid);
}

async function timelineOf(url: string): Promise<string> {
  await using log = new EventLog(url, 1);
  const { rows } = await log.pool.query("select left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline");
  return rows[0].timeline;
}
