// hydra dies in every way there is. What was committed must be there afterwards,
// and nothing may be left that the next hydra, or nobody, has to clear away.

import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { isAlive } from "../../src/postgres/process-life.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startAndStop, useDataDirectory } from "./data-directory.ts";
import { findGuard, forkHost, startHost } from "./host-process.ts";
import { query } from "./query.ts";

const linux = process.platform === "linux";

refuseLeaks();

const dataDir = useDataDirectory();

test("hydra is killed with kill -9 twenty times: each time the next one starts and has all that was committed", async () => {
  const rounds = 20;
  for (let round = 1; round <= rounds; round += 1) {
    await using host = await startHost(dataDir());
    await query(host.url, "create table if not exists rounds (round integer)");
    await query(host.url, "insert into rounds values ($1)", [round]);
    const rows = await query(host.url, "select round from rounds order by round");
    expect(rows).toEqual(Array.from({ length: round }, (_, index) => ({ round: index + 1 })));
  }
  await startHost(dataDir()).then((host) => host.end("stop"));
});

test("hydra is killed: its Postgres ends by itself and takes its socket along", async () => {
  await using host = await startHost(dataDir());
  await host.kill();
  await eventually(() => !isAlive(host.postgresPid));
  await eventually(async () =>
    expect(await readdir(path.dirname(host.socketDir))).not.toContain(path.basename(host.socketDir)),
  );
  expect(await findEmbeddedPostgres(dataDir())).toBeUndefined();
});

test("hydra ends without stopping its Postgres: no Postgres stays behind", async () => {
  await using host = await startHost(dataDir());
  await host.end("exit");
  await eventually(() => !isAlive(host.postgresPid));
});

test("a session is at work when hydra is killed: it is cut off, and Postgres ends all the same", async () => {
  await using host = await startHost(dataDir());
  const session = query(host.url, "select pg_sleep(600)").catch((error: Error) => error.message);
  await eventually(async () => {
    const rows = await query(host.url, "select 1 from pg_stat_activity where wait_event = 'PgSleep'");
    expect(rows).toHaveLength(1);
  });
  await host.kill();
  expect(await session).toMatch(/terminating connection due to administrator command|Connection terminated/);
  await eventually(() => !isAlive(host.postgresPid));
});

test("a second hydra on the same directory: it is refused, naming the first, which does not notice", async () => {
  await using first = await startHost(dataDir());
  await expect(startHost(dataDir())).rejects.toThrow(
    `Another hydra (pid ${first.pid}) is using the data directory ${dataDir()}. Stop it, or give this one`,
  );
  expect(await query(first.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await first.end("stop");
});

test("a stale pid file that names a living process: it does not keep Postgres from starting", async () => {
  const file = path.join(dataDir(), "postgres", "postmaster.pid");
  await writeFile(file, `${process.pid}\n${path.dirname(file)}\n`);
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
  expect(await query(postgres.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await postgres.stop();
});

test("a pid file that a full disk left empty: it does not keep Postgres from starting", async () => {
  await writeFile(path.join(dataDir(), "postgres", "postmaster.pid"), "");
  await expect(startAndStop(dataDir())).resolves.toBeUndefined();
});

test("hydra is killed while the cluster is being made: the next one makes it anew and leaves nothing of it", async () => {
  await using fresh = await createTemporaryDirectory();
  const host = forkHost(fresh.path);
  await eventually(async () => {
    const [unfinished] = (await readdir(fresh.path)).filter((name) => name.includes("unfinished"));
    expect(await readdir(path.join(fresh.path, unfinished ?? ""))).toContain("base");
  });
  host.kill("SIGKILL");
  await once(host, "exit");
  await startAndStop(fresh.path);
  expect(await readdir(fresh.path)).toEqual(["postgres", "postgres.log"]);
});

test.runIf(canUnshare())(
  "the first process of a container collects no orphans: the next hydra need not wait (needs root and Linux)",
  async () => {
    const script = fileURLToPath(new URL("./first-process.ts", import.meta.url));
    const args = ["--pid", "--fork", "--mount-proc", process.execPath, script, dataDir()];
    // A guard that takes an ended Postgres for a living one is at it for a minute and a half.
    const { stdout } = await promisify(execFile)("unshare", args, { timeout: 20_000, killSignal: "SIGKILL" });
    expect(stdout).toMatch(/^ready after \d+ ms\n$/);
  },
);

function canUnshare(): boolean {
  return linux && spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;
}

describe.runIf(linux)("the guard (found by looking into /proc: Linux only)", () => {
  test("killed together with hydra: the next hydra stops the Postgres they left, and has its data", async () => {
    await using orphaned = await startHost(dataDir());
    await query(orphaned.url, "create table kept ()");
    process.kill(await findGuard(orphaned.socketDir), "SIGKILL");
    await orphaned.kill();
    expect(isAlive(orphaned.postgresPid)).toBe(true);

    await using next = await startHost(dataDir());
    expect(next.logs).toEqual([`stopping the Postgres (pid ${orphaned.postgresPid}) that a killed hydra left running`]);
    expect(isAlive(orphaned.postgresPid)).toBe(false);
    expect(await query(next.url, "select to_regclass('kept') is not null as kept")).toEqual([{ kept: true }]);
    await next.end("stop");
  });

  test("killed together with hydra, and the pid file removed: the next hydra finds that Postgres too", async () => {
    await using orphaned = await startHost(dataDir());
    process.kill(await findGuard(orphaned.socketDir), "SIGKILL");
    await orphaned.kill();
    await rm(path.join(dataDir(), "postgres", "postmaster.pid"));

    const next = await startEmbeddedPostgres({ dataDir: dataDir() });
    expect(isAlive(orphaned.postgresPid)).toBe(false);
    await next.stop();
  });

  test("killed alone: Postgres goes on, and hydra still stops it", async () => {
    const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
    const guard = await findGuard(postgres.socketDir);
    process.kill(guard, "SIGKILL");
    await eventually(() => !isAlive(guard));
    expect(await query(postgres.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await postgres.stop();
    expect(isAlive(postgres.pid)).toBe(false);
  });
});
