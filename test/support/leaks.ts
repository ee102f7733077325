// What a test file may not leave behind. `refuseLeaks()` at the top of the file
// gives it a temporary directory of its own and, once its tests have run, fails
// it if there is still
//   L1. anything in that directory (os.tmpdir() points to it, in the children too),
//   L2. a process that it started, or that one of those started, detached or not,
//   L3. an open connection, listener or child in the test process itself.
// Whatever ends by itself has a few seconds for it.

import { randomUUID } from "node:crypto";
import { chmod, readdir, readFile, readlink, rm } from "node:fs/promises";
import { afterAll, beforeAll } from "vitest";
import { eventually } from "./eventually.ts";
import { createRunDirectory } from "./run-directory.ts";

const GRACE_MS = 5_000;

/** Every process that a test file starts inherits this variable, or works in the file's directory. */
const MARK = "HYDRA_TEST_FILE";

const WATCHED_RESOURCES = ["TCPServerWrap", "TCPSocketWrap", "PipeServerWrap", "PipeWrap", "ProcessWrap"];

/** Fails the test file if it leaves a process, a socket or a temporary file behind. */
export function refuseLeaks(): void {
  let watch: LeakWatch;
  beforeAll(async () => {
    watch = await watchForLeaks();
  });
  afterAll(async () => {
    try {
      await eventually(async () => assertNone(await watch.leaks()), { timeoutMs: GRACE_MS });
    } finally {
      await watch.end();
    }
  });
}

function assertNone(leaks: string[]): void {
  if (leaks.length > 0) throw new Error(`The test file left behind:\n  ${leaks.join("\n  ")}`);
}

export interface LeakWatch {
  /** What os.tmpdir() is meanwhile. */
  directory: string;
  /** What there is now that was not there at the start, one line each. */
  leaks(): Promise<string[]>;
  /** Removes the directory and restores the environment; ends no process. */
  end(): Promise<void>;
}

/** Starts to watch this process; one watch at a time. */
export async function watchForLeaks(): Promise<LeakWatch> {
  const mark = randomUUID();
  const environment = { TMPDIR: process.env["TMPDIR"], [MARK]: process.env[MARK] };
  // Short: the path of a socket has at most 107 bytes.
  const directory = await createRunDirectory("ht");
  // As /tmp is: run by root, Postgres is another user, and its guard removes the socket there.
  await chmod(directory, 0o1777);
  // Node opens the standard streams when something first asks for them; a library that is loaded late may be that.
  void [process.stdin, process.stdout, process.stderr];
  const resources = countResources();
  Object.assign(process.env, { TMPDIR: directory, [MARK]: mark });
  return {
    directory,
    leaks: async () => [
      ...(await processesOf(directory, mark)),
      ...(await readdir(directory)).map((name) => `${name} in the temporary directory`),
      ...openedSince(resources),
    ],
    async end() {
      restoreEnvironment(environment);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Linux only: elsewhere nobody can see the environment and the files of a process. */
async function processesOf(directory: string, mark: string): Promise<string[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (!(await hasMark(pid, mark)) && !(await usesDirectory(pid, directory))) return [];
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      // One that has ended and waits to be collected has no command.
      return command === "" ? [] : [`process ${pid}: ${command.replaceAll(/[\0\s]+/g, " ").slice(0, 200)}`];
    }),
  );
  return found.flat();
}

async function hasMark(pid: string, mark: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(`${MARK}=${mark}`);
}

/** A guarded Postgres has no environment of ours, but works in its data directory; its guard holds the lock there. */
async function usesDirectory(pid: string, directory: string): Promise<boolean> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = [`/proc/${pid}/cwd`, ...fds.map((fd) => `/proc/${pid}/fd/${fd}`)];
  const targets = await Promise.all(links.map((link) => readlink(link).catch(() => "")));
  return targets.some((target) => target.startsWith(`${directory}/`));
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function openedSince(before: Map<string, number>): string[] {
  const now = countResources();
  return WATCHED_RESOURCES.flatMap((name) => {
    const opened = (now.get(name) ?? 0) - (before.get(name) ?? 0);
    return opened > 0 ? [`${opened} × ${name} still open in the test process`] : [];
  });
}

function restoreEnvironment(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
