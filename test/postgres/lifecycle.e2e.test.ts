import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { isAlive } from "../../src/postgres/process-life.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { useDataDirectory } from "./data-directory.ts";
import { startHost } from "./host-process.ts";
import { query } from "./query.ts";

refuseLeaks();

const dataDir = useDataDirectory();

async function showSettings(url: string, names: string[]): Promise<Record<string, unknown>> {
  const rows = await query(url, "select name, setting from pg_settings where name = any($1)", [names]);
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

test("a fresh directory: the database is durable, in UTF-8 whatever the locale, and not on TCP", async () => {
  await using fresh = await createTemporaryDirectory();
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(fresh.path, "made", "on", "the", "way") });
  const durability = ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"];
  expect(await showSettings(postgres.url, [...durability, "listen_addresses"])).toEqual({
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",
    data_checksums: "on",
    listen_addresses: "",
  });
  const [database] = await query(
    postgres.url,
    `select pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale, datcollate
       from pg_database where datname = current_database()`,
  );
  expect(database).toEqual({ encoding: "UTF8", provider: "b", locale: "C.UTF-8", datcollate: "C" });
  expect(await query(postgres.url, "select upper('ünïcode') as text")).toEqual([{ text: "ÜNÏCODE" }]);
  await postgres.stop();
});

test("the socket: only the user that runs Postgres, and root, can get to it", async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
  const { mode } = await stat(postgres.socketDir);
  const socket = await stat(path.join(postgres.socketDir, ".s.PGSQL.5432"));
  expect((mode & 0o777).toString(8)).toBe("700");
  expect((socket.mode & 0o777).toString(8)).toBe("700");
  await postgres.stop();
});

test("a second start: the data is there, and the address is the same", async () => {
  const first = await startEmbeddedPostgres({ dataDir: dataDir() });
  await query(first.url, "create table kept as select 7 as value");
  await first.stop();
  const second = await startEmbeddedPostgres({ dataDir: dataDir() });
  expect(second.url).toBe(first.url);
  expect(await query(second.url, "select value from kept")).toEqual([{ value: 7 }]);
  await second.stop();
});

test("stop called twice at once and once more: Postgres has ended, and only its data and its log are left", async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
  await Promise.all([postgres.stop(), postgres.stop()]);
  await postgres.stop();
  expect(await postgres.exited).toEqual({ code: 0, signal: null });
  expect(isAlive(postgres.pid)).toBe(false);
  expect(await readdir(dataDir())).toEqual(["postgres", "postgres.log"]);
  await expect(stat(postgres.socketDir)).rejects.toMatchObject({ code: "ENOENT" });
});

test("Postgres itself is killed: `exited` says so, stop tidies up, and the next start has what was committed", async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
  await query(postgres.url, "create table kept as select 7 as value");
  process.kill(postgres.pid, "SIGKILL");
  expect(await postgres.exited).toEqual({ code: null, signal: "SIGKILL" });
  await postgres.stop();
  const next = await startEmbeddedPostgres({ dataDir: dataDir() });
  expect(await query(next.url, "select value from kept")).toEqual([{ value: 7 }]);
  await next.stop();
});

test("somebody removed the lock file and another hydra has a new one: stop works, and leaves the new one alone", async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
  const file = path.join(dataDir(), "hydra.lock");
  await rename(file, `${file}.gone`);
  await writeFile(file, "12345\n");
  await postgres.stop();
  expect(await readFile(file, "utf8")).toBe("12345\n");
});

test("a path longer than a socket's may be, with spaces and quotes in it: Postgres starts there", async () => {
  const long = path.join(dataDir(), `it's "far", down`, "x".repeat(200), "ü".repeat(50));
  await mkdir(long, { recursive: true });
  await rename(path.join(dataDir(), "postgres"), path.join(long, "postgres"));
  const postgres = await startEmbeddedPostgres({ dataDir: long });
  expect(await query(postgres.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await postgres.stop();
});

test("settings of the caller: they win over the defaults, but TCP stays off", async () => {
  const settings = { fsync: "off", max_connections: "7", listen_addresses: "*" };
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir(), settings });
  expect(await showSettings(postgres.url, Object.keys(settings))).toEqual({ ...settings, listen_addresses: "" });
  await postgres.stop();
});

test("a setting that Postgres refuses: the error has Postgres's own words, and nothing stays behind", async () => {
  const settings = { shared_buffers: "lots" };
  await expect(startEmbeddedPostgres({ dataDir: dataDir(), settings })).rejects.toThrow(
    /Postgres ended while it was starting \(exit code 1\)[^]*invalid value for parameter "shared_buffers": "lots"/,
  );
  expect(await readdir(dataDir())).toEqual(["postgres", "postgres.log"]);
});

test("variables of Postgres in the environment: they change neither the server nor how hydra reaches it", async () => {
  const env = {
    ...process.env,
    PGDATA: "/nowhere",
    PGPORT: "1",
    PGHOST: "example.invalid",
    PGDATABASE: "other",
    PGUSER: "other",
    PGSSLMODE: "require",
    LC_ALL: "de_DE.UTF-8",
    TZ: "Asia/Tokyo",
  };
  await using host = await startHost(dataDir(), { env });
  expect(await showSettings(host.url, ["log_timezone", "lc_messages"])).toEqual({
    log_timezone: "UTC",
    lc_messages: "C",
  });
  await host.end("stop");
});

test("the address as others look it up: there while Postgres runs, and not before or after", async () => {
  expect(await findEmbeddedPostgres(dataDir())).toBeUndefined();
  const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
  expect(await findEmbeddedPostgres(dataDir())).toBe(postgres.url);
  await postgres.stop();
  expect(await findEmbeddedPostgres(dataDir())).toBeUndefined();
});
