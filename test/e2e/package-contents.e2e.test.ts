import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createBuildDirectory } from "./build-directory.ts";
import { copyCheckout } from "./checkout-copy.ts";
import { startHydraProcess, urlOf } from "./hydra-process.ts";

// The package as npm would publish it, installed in an empty folder: what is in it, and that it works from there.

refuseLeaks();

const TSC = path.resolve(import.meta.dirname, "../../node_modules/.bin/tsc");
const exec = promisify(execFile);

let scope: AsyncDisposableStack;
let checkout: string;
let tarball: string;
let folder: string;
let version: string;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const { path: directory } = scope.use(await createBuildDirectory());
  [checkout, folder] = [path.join(directory, "checkout"), path.join(directory, "empty")];
  await Promise.all([mkdir(checkout), mkdir(folder)]);
  await copyCheckout(checkout);
  await run("npm", ["pack", "--silent", "--pack-destination", directory], { cwd: checkout });
  ({ version } = JSON.parse(await readFile(path.join(checkout, "package.json"), "utf8")) as { version: string });
  tarball = path.join(directory, `hydra-rollout-hydra-${version}.tgz`);
  await writeFile(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--silent", "--ignore-scripts", "--omit=optional", tarball], { cwd: folder });
}, 180_000);

afterAll(() => scope.disposeAsync());

function run(program: string, args: readonly string[], { cwd, PATH = process.env["PATH"] }: RunOptions) {
  // npm would leave its cache in the temporary directory.
  return exec(program, args, { cwd, env: { ...process.env, PATH, NODE_DISABLE_COMPILE_CACHE: "1" } });
}

interface RunOptions {
  cwd: string;
  PATH?: string | undefined;
}

describe("the tarball", () => {
  test("its files: the program in few, the migrations, the client with its types, and nothing else", async () => {
    const { stdout } = await run("tar", ["-tzf", tarball], { cwd: folder });
    const files = stdout.trim().split("\n");
    const bundled = files.filter((file) => /^package\/dist\/program\/(NOTICE|[^/]+\.js)$/.test(file));
    const migrations = globSync("**/*.sql", { cwd: path.join(checkout, "src") });
    const client = globSync(["client/*.ts", "gen/hydra/v1/*.ts"], { cwd: path.join(checkout, "src") }).flatMap((file) =>
      [".js", ".d.ts"].map((type) => file.replace(/\.ts$/, type)),
    );
    const programs = globSync("*.js", { cwd: path.join(checkout, "bin") });
    const expected = [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
      ...programs.map((file) => `bin/${file}`),
      ...[...migrations, ...client].map((file) => `dist/${file}`),
    ];
    expect(files.filter((file) => !bundled.includes(file)).toSorted()).toEqual(
      expected.map((file) => `package/${file}`).toSorted(),
    );
    expect(bundled).toContain("package/dist/program/hydra.js");
    expect(migrations.length).toBeGreaterThan(1);
  });

  test("its files: none knows where it was built", async () => {
    await expect(run("grep", ["-rlF", checkout, "node_modules/@hydra-rollout"], { cwd: folder })).rejects.toMatchObject(
      {
        code: 1,
        stdout: "",
      },
    );
  });
});

describe("installed in an empty folder", () => {
  test("`npx hydra --version` with the machine's own Node: the version, or what it needs", async () => {
    const PATH = pathOfMachine();
    const { stdout: node } = await run("node", ["--version"], { cwd: folder, PATH });
    const said = await run("npx", ["hydra", "--version"], { cwd: folder, PATH }).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    );
    const tooOld = `hydra needs Node 22.18 or later, and this is ${node.trim().slice(1)}.\n`;
    expect(`${said.stdout}${said.stderr}`).toBe(isEnough(node) ? `${version}\n` : tooOld);
  });

  test("a program in TypeScript: its types agree under strict and nodenext, every library's too, and it runs", async () => {
    await using database = await createDatabase({ empty: true });
    const program = path.join(folder, "node_modules/.bin/hydra");
    const options = [
      "dev",
      "--port",
      "0",
      "--sentinels",
      "20",
      "--converge",
      "50ms",
      "--fail",
      "snt_000002=crash_loop",
    ];
    await using dev = startHydraProcess(options, { DATABASE_URL: database.url }, program);
    await writeFile(path.join(folder, "program.ts"), programFor(await urlOf(dev)));
    await run(TSC, ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "program.ts"], {
      cwd: folder,
    });
    const { stdout } = await run(process.execPath, ["program.ts"], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual({ paused: "PAUSED", events: "WAVE_STARTED", refused: "FailedPrecondition" });
    dev.kill("SIGTERM");
    expect(await dev.exited).toBe(0);
  });
});

/** Without what `npm run` and npx put in front. */
function pathOfMachine(): string {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.filter((each) => !each.includes("node_modules")).join(path.delimiter);
}

function isEnough(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.slice(1).split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

function programFor(baseUrl: string): string {
  return `
import {
  Code, ConnectError, createHydraClient, RolloutEventType, SentinelRolloutState as State,
} from "@hydra-rollout/hydra/client";

const { rollouts } = createHydraClient({ baseUrl: ${JSON.stringify(baseUrl)} });
const { state, rolloutId } = await rollouts.rollout({ image: "acme/sentinel:v2", wavePercentages: [50, 100] });
const paused = state === State.PAUSED ? "PAUSED" : "another state";

let events = "";
for await (const { message } of rollouts.watch({ rolloutId, afterSequence: 0n })) {
  if (message.case !== "event" || message.value.type !== RolloutEventType.WAVE_STARTED) continue;
  events = "WAVE_STARTED";
  break;
}

const refused: string | undefined = await rollouts.rollout({ image: "acme/sentinel:v3" }).then(
  () => "nothing",
  (error: unknown) => Code[ConnectError.from(error).code],
);
console.log(JSON.stringify({ paused, events, refused }));
`;
}
