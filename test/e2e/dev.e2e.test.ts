import { rm } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { type HydraProcess, runHydra, startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

function startDev(dataDir: string, ...args: string[]): HydraProcess {
  return startHydraProcess([
    "dev",
    "--port",
    "0",
    "--data-dir",
    dataDir,
    "--sentinels",
    "20",
    "--converge",
    "1-50ms",
    ...args,
  ]);
}

describe("hydra dev", () => {
  test("started twice on one directory, then stopped with Ctrl-C: the second is refused, the first ends with 0", async () => {
    await using directory = await createTemporaryDirectory();
    await using dev = startDev(directory.path);
    const url = await urlOf(dev);
    expect(dev.stdout()).toContain(`curl -X POST ${url}/hydra.v1.SentinelRolloutService/singleton/Rollout`);

    const second = await runHydra(["dev", "--port", "0", "--data-dir", directory.path]);
    expect(second.exit).toBe(1);
    expect(second.stderr).toContain(directory.path);
    expect(second.stderr).not.toContain("    at ");

    dev.kill("SIGINT");
    expect(await dev.exited).toBe(0);
    expect(dev.stderr()).toContain("stopping");
  });

  test("a port that is in use: says which one and what to do, and leaves nothing", async () => {
    await using directory = await createTemporaryDirectory();
    await using dev = startDev(path.join(directory.path, "one"));
    const { port } = new URL(await urlOf(dev));
    const second = await runHydra(["dev", "--port", port, "--data-dir", path.join(directory.path, "two")]);
    expect(second.exit).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`port ${port} on 127.0.0.1 is in use.*--port`));
    dev.kill("SIGTERM");
    expect(await dev.exited).toBe(0);
  });

  test("a second signal: ends at once with the code for it", async () => {
    await using directory = await createTemporaryDirectory();
    await using dev = startDev(directory.path);
    await urlOf(dev);
    dev.kill("SIGINT");
    dev.kill("SIGTERM");
    expect([130, 143]).toContain(await dev.exited);
    await rm(directory.path, { recursive: true, force: true, maxRetries: 50 });
  });
});

describe("operators' commands against hydra dev", () => {
  test("a rollout with a failure: paused 3, refused 1, resumed to completed 0, watched again from any event on", async () => {
    await using directory = await createTemporaryDirectory();
    await using dev = startDev(directory.path, "--fail", "snt_000003=crash_loop");
    const env = { HYDRA_URL: await urlOf(dev) };
    const image = "ghcr.io/acme/sentinel:v2";

    expect(await runHydra(["status"], env)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining("No rollout yet"),
    });
    const paused = await runHydra(["rollout", image, "--waves", "25,100"], env);
    expect(paused).toMatchObject({ exit: 3, stderr: "" });
    expect(paused.stdout).toMatch(/snt_000003 failed: the container crashes/);

    const refused = await runHydra(["rollout", image], env);
    expect(refused).toMatchObject({ exit: 1, stdout: "", stderr: expect.stringContaining("PAUSED") });
    expect((await runHydra(["watch", "--until", "paused"], env)).exit).toBe(3);
    expect((await runHydra(["resume"], env)).exit).toBe(0);

    const eventsAfter = async (sequence: number) => {
      const { exit, stdout } = await runHydra(["watch", "--after", String(sequence), "--json"], env);
      expect(exit).toBe(0);
      return stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).event);
    };
    const all = await eventsAfter(0);
    expect(all.map((event) => Number(event.sequence))).toEqual(all.map((_, index) => index + 1));
    expect(await eventsAfter(10)).toEqual(all.slice(10));
  });

  test("detached, cancelled, rolled back: 0 each; a watch of it ends with 4", async () => {
    await using directory = await createTemporaryDirectory();
    await using dev = startDev(directory.path, "--converge", "3s");
    const env = { HYDRA_URL: await urlOf(dev) };
    expect(
      (await runHydra(["rollout", "ghcr.io/acme/sentinel:v2", "--waves", "5,10,15,20,25,100", "--detach"], env)).exit,
    ).toBe(0);
    await using watch = startHydraProcess(["watch"], env);
    expect((await runHydra(["cancel"], env)).exit).toBe(0);
    expect(await watch.exited).toBe(4);
    const rollback = await runHydra(["rollback", "--json"], env);
    expect(rollback).toMatchObject({ exit: 0, stderr: "" });
    expect(JSON.parse(rollback.stdout.trim().split("\n").at(-1) ?? "")).toEqual({ reverted: expect.any(Number) });
  });

  test("a server that is killed and started again in mid-rollout: watch and rollout go on without a word", async () => {
    await using directory = await createTemporaryDirectory();
    const args = ["--converge", "400ms", "--deploy-timeout", "60s"];
    const first = startDev(directory.path, ...args);
    const url = await urlOf(first);
    await using rollout = startHydraProcess(["rollout", "ghcr.io/acme/sentinel:v2", "--json"], { HYDRA_URL: url });
    await expect.poll(rollout.stdout, { timeout: 20_000 }).toContain("WAVE_COMPLETED");
    await using watch = startHydraProcess(["watch", "--after", "0", "--json"], { HYDRA_URL: url });
    await expect.poll(watch.stdout, { timeout: 20_000 }).toContain("WAVE_COMPLETED");

    await first[Symbol.asyncDispose]();
    await using second = startDev(directory.path, ...args, "--port", new URL(url).port);
    expect([await rollout.exited, await watch.exited]).toEqual([0, 0]);
    expect([rollout.stderr(), watch.stderr()]).toEqual(["", ""]);
    const sequences = watch
      .stdout()
      .trim()
      .split("\n")
      .map((line) => Number(JSON.parse(line).event.sequence));
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(watch.stdout()).toContain("ROLLOUT_COMPLETED");
    expect(await urlOf(second)).toBe(url);
  });
});
