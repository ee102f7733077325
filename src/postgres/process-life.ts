import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 5;

/** Whether a process runs. One that has ended and waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  if (process.platform !== "linux") return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The state follows the name, which stands in parentheses and may contain some itself.
    return "ZX".includes(stat.charAt(stat.lastIndexOf(")") + 2));
  } catch {
    return true;
  }
}

/** One way to end a process, and how long to wait before the next. */
export interface StopStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

/**
 * Postgres shuts down fast on SIGINT: sessions are ended, data is written. It
 * stops at once on SIGQUIT and recovers at the next start. Only a Postgres that
 * is itself stopped or stuck gets to SIGKILL.
 */
export const POSTGRES_STOP: readonly StopStep[] = [
  { signal: "SIGINT", waitMs: 30_000 },
  { signal: "SIGQUIT", waitMs: 10_000 },
  { signal: "SIGKILL", waitMs: 10_000 },
];

/** Ends a process, ever less gently. Resolves once it is gone, to false if it would not go. */
export async function endProcess(pid: number, steps: readonly StopStep[]): Promise<boolean> {
  for (const step of steps) {
    if (!sendSignal(pid, step.signal)) return !isAlive(pid);
    const deadline = Date.now() + step.waitMs;
    while (isAlive(pid) && Date.now() < deadline) await delay(POLL_MS);
    if (!isAlive(pid)) return true;
  }
  return false;
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
