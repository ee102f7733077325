// Who runs Postgres, and whether that user gets to what it needs. Most of it is
// about root, for whom Postgres does not run: another user takes its place, who
// may not see what root sees.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, mkdir, readdir, readFile, realpath, rmdir, stat, symlink, unlink } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { canEnter, chooseServerUser } from "../../src/postgres/server-user.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startAndStop, useDataDirectory, whyNotStart } from "./data-directory.ts";
import { startHost } from "./host-process.ts";
import { query } from "./query.ts";

const root = process.getuid?.() === 0;
const linux = process.platform === "linux";
const ordinary = await findOrdinaryUser();

refuseLeaks();

const dataDir = useDataDirectory();

async function findOrdinaryUser(): Promise<{ uid: number; gid: number } | undefined> {
  const user = root ? await chooseServerUser("/nowhere") : undefined;
  return user !== undefined && (await canEnter(user, import.meta.dirname)) ? user : undefined;
}

async function ownerOf(pid: number): Promise<number> {
  return (await stat(`/proc/${pid}`)).uid;
}

function socketDirOf(directory: string): string {
  const id = createHash("sha256").update(directory).digest("hex").slice(0, 12);
  return path.join(os.tmpdir(), `hydra-${id}`);
}

test.runIf(linux)(
  "Postgres never runs as root: as root, as the owner of the data; else as the same user (Linux)",
  async () => {
    const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
    const { uid } = await stat(path.join(dataDir(), "postgres"));
    expect(await ownerOf(postgres.pid)).toBe(uid);
    expect(uid).not.toBe(0);
    await postgres.stop();
  },
);

test("a link in place of the socket's directory: refused, and what it leads to is left as it was", async () => {
  const target = path.join(dataDir(), "victim");
  await mkdir(target, { mode: 0o755 });
  const link = socketDirOf(await realpath(dataDir()));
  await symlink(target, link);
  expect(await whyNotStart(dataDir())).toBe(
    `${link}, where the socket of Postgres belongs, was made by another user. ` +
      `Remove it, or set TMPDIR to a directory of your own.`,
  );
  expect((await stat(target)).mode & 0o777).toBe(0o755);
  await unlink(link);
});

describe.runIf(root)("run by root (needs root)", () => {
  test("a data directory in a 0700 home: it is used, and nobody's permissions change", async () => {
    const home = path.dirname(dataDir());
    await chmod(home, 0o700);
    const postgres = await startEmbeddedPostgres({ dataDir: dataDir() });
    expect(await query(postgres.url, "select pg_reload_conf() as reloaded")).toEqual([{ reloaded: true }]);
    await query(postgres.url, "create table kept as select 7 as value; checkpoint");
    expect(await query(postgres.url, "select value from kept")).toEqual([{ value: 7 }]);
    await postgres.stop();
    expect((await stat(home)).mode & 0o777).toBe(0o700);
  });

  test("a fresh data directory in a 0700 home: the cluster is made there", async () => {
    await using home = await createTemporaryDirectory();
    await chmod(home.path, 0o700);
    const data = path.join(home.path, "data");
    await startAndStop(data);
    expect(await readdir(data)).toEqual(["postgres", "postgres.log"]);
  });

  test("data that root copied back from a backup: it is given to the user of Postgres again", async () => {
    const cluster = path.join(dataDir(), "postgres");
    await promisify(execFile)("chown", ["-R", "0:0", cluster]);
    await startAndStop(dataDir());
    expect((await stat(cluster)).uid).not.toBe(0);
    expect((await stat(path.join(cluster, "global"))).uid).not.toBe(0);
  });

  test("a socket directory that another user made: refused", async () => {
    const directory = socketDirOf(await realpath(dataDir()));
    await mkdir(directory);
    await chown(directory, 4242, 4242);
    expect(await whyNotStart(dataDir())).toContain("was made by another user");
    await rmdir(directory);
  });

  test("a user without a name: the error says what Postgres wants", async () => {
    await using directory = await createTemporaryDirectory();
    await chown(directory.path, 4242, 4242);
    await expect(startHost(directory.path, { uid: 4242, gid: 4242, env: withHome("/") })).rejects.toThrow(
      /user does not exist\s+Postgres wants a user with a name\. Give this one a line in \/etc\/passwd/,
    );
  });
});

describe.runIf(ordinary)(
  "run by an ordinary user (needs root to become one, and a checkout that others can read)",
  () => {
    test("a fresh directory: Postgres runs as that user, to whom all belongs", async () => {
      await using directory = await createTemporaryDirectory();
      await chown(directory.path, ordinary?.uid ?? 0, ordinary?.gid ?? 0);
      await using host = await startHost(directory.path, { ...ordinary, env: withHome("/") });
      expect(await ownerOf(host.postgresPid)).toBe(ordinary?.uid);
      for (const name of await readdir(directory.path)) {
        expect((await stat(path.join(directory.path, name))).uid).toBe(ordinary?.uid);
      }
      expect(await readFile(path.join(directory.path, "hydra.lock"), "utf8")).toBe(`${host.pid}\n`);
      await host.end("stop");
      expect(await readdir(directory.path)).toEqual(["postgres", "postgres.log"]);
    });

    test("a directory that is not theirs to write in: refused, saying so", async () => {
      await expect(startHost(dataDir(), { ...ordinary, env: withHome("/") })).rejects.toThrow(
        /could not be started: EACCES: permission denied[^]*--data-dir/,
      );
    });
  },
);

function withHome(home: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: home };
}
