import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { temporaryDirectory } from "./database.ts";
import { startDevProcess } from "./server-process.ts";
import { median } from "./statistics.ts";

const RUNS = 20;

/** From the start of a process to its first line, in ms. */
export interface FirstLine {
  p50: number;
  max: number;
}

export interface CliStart {
  status: FirstLine;
  watch: FirstLine;
  /** `node -e 0` from start to end, in the same minute. */
  floor: FirstLine;
}

/** How long a command takes to show its first line, with a server on this machine. */
export async function measureCliStart(): Promise<CliStart> {
  const dataDir = await temporaryDirectory();
  const server = await startDevProcess(["--data-dir", dataDir], { DATABASE_URL: undefined });
  try {
    const commands = {
      status: ["bin/hydra.js", "status", "--url", server.url],
      watch: ["bin/hydra.js", "watch", "--url", server.url],
      floor: ["-e", "0"],
    };
    const times: Record<keyof typeof commands, number[]> = { status: [], watch: [], floor: [] };
    // The first round fills the cache of compiled code, which a machine that has run hydra before has.
    for (let run = 0; run <= RUNS; run++) {
      for (const [name, command] of Object.entries(commands)) {
        const ms = await firstOutput(command);
        if (run > 0) times[name as keyof typeof commands].push(ms);
      }
    }
    return { status: firstLine(times.status), watch: firstLine(times.watch), floor: firstLine(times.floor) };
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function firstLine(times: readonly number[]): FirstLine {
  return { p50: median(times), max: Math.max(...times) };
}

/** Until the first output of a Node program, or its end where there is none. */
async function firstOutput(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "close");
  await Promise.race([once(child.stdout, "data"), exited]);
  const ms = performance.now() - startedAt;
  child.stdout.resume();
  // A watch goes on by itself.
  child.kill();
  await exited;
  return ms;
}
