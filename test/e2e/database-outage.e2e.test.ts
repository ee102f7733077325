import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { runHydra, startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

test("hydra serve, Postgres not there at first, then gone for a while: waits with one line, goes on by itself", async () => {
  await using directory = await createTemporaryDirectory();
  const options = { dataDir: directory.path, settings: { fsync: "off" } };
  const { url: databaseUrl, stop } = await startEmbeddedPostgres(options);
  await stop();

  await using serve = startHydraProcess(["serve", "--port", "0"], { DATABASE_URL: databaseUrl });
  await eventually(() => serve.stderr().includes("waiting for Postgres"), { timeoutMs: 20_000 });
  const first = await startEmbeddedPostgres(options);
  const env = { HYDRA_URL: await urlOf(serve) };
  expect(serve.stderr().match(/waiting for Postgres/g)).toHaveLength(1);
  expect((await runHydra(["status"], env)).exit).toBe(0);

  await first.stop();
  const refused = await runHydra(["status"], env);
  expect(refused.exit).toBe(5);
  expect(refused.stderr).not.toContain("defect");

  const again = await startEmbeddedPostgres(options);
  await eventually(async () => expect((await runHydra(["status"], env)).exit).toBe(0), { timeoutMs: 20_000 });
  serve.kill("SIGTERM");
  expect(await serve.exited).toBe(0);
  await again.stop();
});

test("hydra dev, its Postgres killed in mid-rollout: it starts it again and the rollout completes", async () => {
  await using directory = await createTemporaryDirectory();
  const fleet = ["--sentinels", "20", "--converge", "200ms"];
  await using dev = startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...fleet]);
  const env = { HYDRA_URL: await urlOf(dev) };
  await using rollout = startHydraProcess(["rollout", "ghcr.io/acme/sentinel:v2"], env);
  await eventually(() => rollout.stdout().includes("wave 2 started"), { timeoutMs: 20_000 });
  const pid = Number.parseInt(await readFile(path.join(directory.path, "postgres/postmaster.pid"), "utf8"), 10);
  process.kill(pid, "SIGKILL");
  expect(await rollout.exited).toBe(0);
  expect(dev.stderr()).toContain("the embedded Postgres ended by itself; starting it again");
  dev.kill("SIGTERM");
  expect(await dev.exited).toBe(0);
});
