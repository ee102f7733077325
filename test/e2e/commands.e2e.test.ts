import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startScriptedServer } from "../cli/scripted-server.ts";
import { sentinelsOf } from "../cli/recorded-fleet.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../support/temporary-directory.ts";
import { type HydraProcess, runHydra, startHydraProcess, urlOf, withoutSettings } from "./hydra-process.ts";

refuseLeaks();

const PROGRAM = path.join(import.meta.dirname, "../../bin/hydra.js");

describe("commands against hydra dev", () => {
  let directory: TemporaryDirectory;
  let dev: HydraProcess;
  let env: Record<string, string>;
  beforeAll(async () => {
    directory = await createTemporaryDirectory();
    const fleet = ["--sentinels", "20", "--converge", "1-50ms", "--fail", "snt_000003=image_pull"];
    dev = startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...fleet]);
    env = { HYDRA_URL: await urlOf(dev) };
  });
  afterAll(async () => {
    dev.kill("SIGTERM");
    await dev.exited;
    await directory[Symbol.asyncDispose]();
  });

  async function jsonOf(...args: string[]): Promise<Record<string, unknown>[]> {
    const { exit, stdout, stderr } = await runHydra([...args, "--json"], env);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  test("a deploy that converges, one that fails: 0 and 1; both are listed, with their invocations and journals", async () => {
    const image = "ghcr.io/acme/sentinel:v9";
    const ready = await runHydra(["sentinels", "deploy", "snt_000001", "--image", image], env);
    expect(ready).toMatchObject({ exit: 0, stdout: "Sentinel snt_000001 is ready.\n", stderr: "" });
    const failed = await runHydra(["sentinels", "deploy", "snt_000003", "--image", image], env);
    expect(failed).toMatchObject({ exit: 1, stdout: "", stderr: expect.stringMatching(/snt_000003 failed: .*pulled/) });

    expect((await jsonOf("sentinels", "list", "--failed")).map(({ id }) => id)).toEqual(["snt_000003"]);
    expect(await jsonOf("sentinels", "get", "snt_000001")).toMatchObject([{ image, runningImage: image }]);
    const [deploy] = await jsonOf("invocations", "list", "--handler", "Deploy", "--key", "snt_000001");
    const [answer] = await jsonOf("invocations", "get", String(deploy?.["id"]));
    expect(answer).toMatchObject({ invocation: { status: "INVOCATION_STATUS_SUCCEEDED" } });
    expect(answer?.["journal"]).toContainEqual(expect.objectContaining({ kind: "tx", name: "begin_deploy" }));
    const cancelled = await runHydra(["invocations", "cancel", String(deploy?.["id"])], env);
    expect(cancelled).toMatchObject({ exit: 0, stdout: expect.stringContaining("it is succeeded now") });
  });

  test("no rollout, then one: history says nothing, then lists it", async () => {
    expect(await jsonOf("history")).toEqual([]);
    const image = "ghcr.io/acme/sentinel:v10";
    expect((await runHydra(["rollout", image, "--waves", "100"], env)).exit).toBe(3);
    expect(await jsonOf("history")).toMatchObject([{ image, state: "SENTINEL_ROLLOUT_STATE_PAUSED", failed: 1 }]);
    expect((await runHydra(["cancel"], env)).exit).toBe(0);
  });

  test("a bad row among good ones: nothing is imported; put right, all are; once more, nothing changes", async () => {
    await using folder = await createTemporaryDirectory();
    const rows = Array.from({ length: 1_200 }, (_, index) => ({
      id: `imported.${index}`,
      region_id: "eu",
      k8s_namespace: "sentinels",
      k8s_name: `imported-${index}`,
      image: "ghcr.io/acme/sentinel:v1",
    }));
    const file = path.join(folder.path, "fleet.jsonl");
    const write = (...all: unknown[]) => writeFile(file, all.map((row) => JSON.stringify(row)).join("\n"));
    for (const [bad, problem] of [
      [{ id: "x", regionid: "eu" }, /line 1201: there is no column "regionid": did you mean/],
      [{ id: "imported.7" }, /line 1201: sentinel imported.7 was in line 8 already/],
      [{ id: "new", image: "ghcr.io/acme/sentinel:v1" }, /line 1201: sentinel new is new: region_id/],
    ] as const) {
      await write(...rows, bad);
      expect(await runHydra(["sentinels", "import", file], env)).toMatchObject({
        exit: 1,
        stdout: "",
        stderr: expect.stringMatching(problem),
      });
      expect(await jsonOf("sentinels", "list", "--region", "eu")).toEqual([]);
    }
    await write(...rows);
    const counts = { created: 0, updated: 0, unchanged: 0 };
    expect(await jsonOf("sentinels", "import", file)).toEqual([{ ...counts, created: 1_200 }]);
    expect(await jsonOf("sentinels", "import", file)).toEqual([{ ...counts, unchanged: 1_200 }]);
    const listed = await jsonOf("sentinels", "list", "--region", "eu");
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(rows.map(({ id }) => id)));
    expect(listed).toHaveLength(rows.length);
  });

  test("hydra db url: what psql needs, while the embedded Postgres runs", async () => {
    const { exit, stdout } = await runHydra(["db", "url", "--data-dir", directory.path], env);
    expect(exit).toBe(0);
    const client = new pg.Client({ connectionString: stdout.trim() });
    await client.connect();
    const { rows } = await client.query("select id from sentinels where id = 'snt_000020'");
    await client.end();
    expect(rows).toEqual([{ id: "snt_000020" }]);
  });
});

test("a server that is killed in the middle of a deploy and started again: the command gets its outcome, of one deploy", async () => {
  await using directory = await createTemporaryDirectory();
  const start = (port: string) =>
    startHydraProcess(
      ["dev", "--port", port, "--data-dir", directory.path, "--sentinels", "1"].concat([
        "--converge",
        "1500ms",
        "--deploy-timeout",
        "60s",
      ]),
    );
  const first = start("0");
  const url = await urlOf(first);
  const env = { HYDRA_URL: url };
  const sentinel = async () => JSON.parse((await runHydra(["sentinels", "get", "snt_000001", "--json"], env)).stdout);
  const { generation } = await sentinel();
  const args = ["sentinels", "deploy", "snt_000001", "--image", "ghcr.io/acme/sentinel:v9"];
  await using deploy = startHydraProcess(args, env);
  await eventually(async () => expect((await sentinel()).deployStatus).toMatch(/PROGRESSING$/), { timeoutMs: 20_000 });
  await first[Symbol.asyncDispose]();
  await using second = start(new URL(url).port);
  expect(await deploy.exited).toBe(0);
  expect({ out: deploy.stdout(), err: deploy.stderr() }).toEqual({ out: "Sentinel snt_000001 is ready.\n", err: "" });
  expect(Number((await sentinel()).generation)).toBe(Number(generation) + 1);
  expect(await urlOf(second)).toBe(url);
});

describe("hydra db url without a server", () => {
  test("nothing runs there: says what to do, exit code 1", async () => {
    await using directory = await createTemporaryDirectory();
    expect(await runHydra(["db", "url"], { HYDRA_DATA_DIR: directory.path })).toMatchObject({
      exit: 1,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`no Postgres runs on ${directory.path}.*--data-dir`)),
    });
  });

  test("DATABASE_URL is set: that", async () => {
    const DATABASE_URL = "postgres://hydra:secret@db.example.com/hydra";
    expect(await runHydra(["db", "url"], { DATABASE_URL })).toMatchObject({ exit: 0, stdout: `${DATABASE_URL}\n` });
  });
});

describe("wrong usage", () => {
  test.each([
    [["sentinel"], /unknown command 'sentinel'[^]*Did you mean sentinels/],
    [["sentinels", "lst"], /unknown command 'lst'[^]*Did you mean list/],
    [["db", "ulr"], /Did you mean url/],
    [["sentinels", "list", "--regoin", "eu"], /unknown option '--regoin'[^]*Did you mean --region/],
    [["history", "--limit", "0"], /'0' is invalid\. Give a whole number, 1 or more/],
    [["sentinels", "list", "--status", "broken"], /Allowed choices are idle, progressing, ready, failed/],
    [["watch", "--epoch", "e1"], /--epoch says what --after was told with: give both/],
    [["sentinels", "get"], /missing required argument 'id'/],
    [["completion", "tcsh"], /Allowed choices are bash, zsh, fish/],
    [["sentinels"], /Usage: hydra sentinels/],
  ])("%j: says what was meant or is accepted, exit code 2", async (args, words) => {
    expect(await runHydra(args)).toMatchObject({ exit: 2, stdout: "", stderr: expect.stringMatching(words) });
  });

  test("HYDRA_URL is no address: exit code 2", async () => {
    expect(await runHydra(["status"], { HYDRA_URL: "localhost" })).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("HYDRA_URL"),
    });
  });
});

test("hydra help: every command under its heading, each with an example of its own", async () => {
  const { stdout } = await runHydra(["help"]);
  const headings = [
    "Operate a rollout:",
    "Look at rollouts, sentinels and the engine:",
    "Run a server or an agent:",
    "Other:",
  ];
  expect(headings.map((heading) => stdout.indexOf(heading)).every((at, i, all) => at > (all[i - 1] ?? 0))).toBe(true);
  const commands = ["rollout", "resume", "cancel", "rollback", "status", "watch", "history"].map((name) => [name]);
  const nested = ["list", "get", "deploy", "import"].map((name) => ["sentinels", name]);
  for (const command of [...commands, ...nested, ["invocations", "kill"], ["db", "url"], ["completion"]]) {
    expect((await runHydra([...command, "--help"])).stdout).toContain(`hydra ${command.join(" ")}`);
    expect((await runHydra([...command, "--help"])).stdout).toMatch(/Examples:\n/);
  }
});

describe("output into a pipe", () => {
  const sentinels = sentinelsOf(2_000);

  test("a reader that is slower than hydra: gets everything", async () => {
    await using server = await startScriptedServer({
      events: [],
      sentinels: { listSentinels: () => ({ sentinels }) },
    });
    // The shell reads a byte at a time.
    const script = `"$1" "$2" sentinels list --json --url "$3" | while read -r line; do printf '%s\\n' "$line"; done`;
    const bash = spawn("bash", ["-c", script, "bash", process.execPath, PROGRAM, server.url], {
      env: withoutSettings(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const chunks = await bash.stdout.setEncoding("utf8").toArray();
    const lines = chunks.join("").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(sentinels.map(({ id }) => id));
  });

  test("a reader that goes after a line: ends at once, with 0", async () => {
    const pages = { listSentinels: () => ({ sentinels, nextPageToken: "more" }) };
    await using server = await startScriptedServer({ events: [], sentinels: pages });
    const child = spawn(process.execPath, [PROGRAM, "sentinels", "list", "--json", "--url", server.url], {
      env: withoutSettings(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect(await closed).toEqual([0, null]);
  });
});

test.runIf(existsSync("/dev/full"))("output into a file on a full disk: an error, not a file that is short", () => {
  const { status, stderr } = spawnSync("sh", ["-c", '"$1" "$2" --help > /dev/full', "sh", process.execPath, PROGRAM], {
    env: withoutSettings(),
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/ENOSPC.*it is not complete/) });
});

describe("completion in bash", () => {
  /** What bash offers for a line, the cursor at its end. */
  async function complete(line: string): Promise<string[]> {
    await using directory = await createTemporaryDirectory();
    // As it is installed: a program of that name on the path.
    const program = path.join(directory.path, "hydra");
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
    await chmod(program, 0o755);
    const env = { ...withoutSettings(), PATH: `${directory.path}:${process.env["PATH"]}` };
    const options = { cwd: directory.path, env, encoding: "utf8" } as const;
    // Read twice, as by a shell whose start-up file is read again.
    const script = `eval "$(hydra completion bash)"; eval "$(hydra completion bash)"
      COMP_LINE=$1 COMP_POINT=\${#1}
      IFS=$' \\t\\n' read -r -a COMP_WORDS <<< "\${1//=/ = }"
      [[ $1 == *' ' ]] && COMP_WORDS+=("")
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _hydra_completion hydra
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", script, "bash", line], options).trim().split("\n");
  }

  test.each([
    ["hydra sen", ["sentinels"]],
    ["hydra sentinels ", ["list", "get", "deploy", "import", "help"]],
    ["hydra sentinels list --st", ["--status"]],
    ["hydra sentinels list --status ", ["idle", "progressing", "ready", "failed"]],
    ["hydra sentinels list --status=f", ["failed"]],
    ["hydra watch --until ", ["ended", "paused"]],
    ["hydra completion ", ["bash", "zsh", "fish"]],
    ["hydra sentinels get ", [""]],
    ["hydra sentinels get $(touch${IFS}ran) --j", ["--json"]],
  ])("%s", async (line, offered) => {
    expect(await complete(line)).toEqual(offered);
  });
});
