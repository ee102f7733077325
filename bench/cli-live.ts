// `node bench/cli-live.ts [SENTINELS]`: what drawing a rollout costs the command line, while the server goes as fast
// as it can and at a realistic pace. The program runs as its users run it, in a pseudo-terminal. Linux only.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { temporaryDirectory } from "./database.ts";
import { cpuMs, startDevProcess } from "./server-process.ts";

const SENTINELS = Number(process.argv[2] ?? 10_000);
const CONVERGE = ["0", "500ms-2s"];
const POLL_MS = 20;

export interface LiveCost {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Highest resident memory, in MB. */
  readonly peakRss: number;
  /** Bytes written to the terminal. */
  readonly written: number;
}

/** Runs `hydra rollout` in a terminal of 120 columns to its end. */
async function measureLive(url: string, image: string): Promise<LiveCost> {
  const command = `stty cols 120 rows 40; exec ${process.execPath} bin/hydra.js rollout ${image} --url ${url}`;
  const startedAt = performance.now();
  const script = spawn("script", ["-qfec", command, "/dev/null"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TERM: "xterm-256color" },
  });
  let written = 0;
  script.stdout.on("data", (chunk: Buffer) => (written += chunk.length));
  const usage = await pollUsage(script);
  return { ...usage, wallMs: performance.now() - startedAt, written };
}

/** The last figures of the program before it ended. */
async function pollUsage(script: ChildProcess): Promise<{ cpuMs: number; peakRss: number }> {
  const exited = once(script, "exit").then(() => true);
  let last = { cpuMs: 0, peakRss: 0 };
  do last = await usageOfChild(Number(script.pid)).catch(() => last);
  while (!(await Promise.race([exited, delay(POLL_MS, false)])));
  return last;
}

async function usageOfChild(parent: number): Promise<{ cpuMs: number; peakRss: number }> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
  const pid = Number(children.trim().split(" ")[0]);
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const peak = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  // One that has ended and waits to be collected has no memory.
  if (peak === undefined) throw new Error("it has ended");
  return { cpuMs: await cpuMs(pid), peakRss: Number(peak) / 1024 };
}

const round = (value: number, digits = 0) => value.toFixed(digits);

console.log("| converge | wall, s | CPU, s | of one core | peak RSS, MB | written, kB |");
console.log("|---|---:|---:|---:|---:|---:|");
for (const converge of CONVERGE) {
  const dataDir = await temporaryDirectory();
  const args = ["--sentinels", String(SENTINELS), "--converge", converge, "--data-dir", dataDir];
  const server = await startDevProcess(args, { DATABASE_URL: undefined });
  try {
    for (const tag of ["v1", "v2"]) {
      const cost = await measureLive(server.url, `ghcr.io/acme/sentinel:${converge}-${tag}`);
      const share = (100 * cost.cpuMs) / cost.wallMs;
      console.log(
        `| ${converge} | ${round(cost.wallMs / 1000, 1)} | ${round(cost.cpuMs / 1000, 2)} | ${round(share, 1)} % ` +
          `| ${round(cost.peakRss)} | ${round(cost.written / 1000)} |`,
      );
    }
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}
