import { readdir, readFile } from "node:fs/promises";
import { cpuMs } from "./server-process.ts";

/** CPU time of a Postgres and all its sessions that are alive, in ms. */
export async function postgresCpuMs(postmasterPid: number): Promise<number> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const times = await Promise.all(pids.map((pid) => cpuIfOf(pid, postmasterPid)));
  return times.reduce((sum, time) => sum + time, 0);
}

async function cpuIfOf(pid: number, parent: number): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return pid === parent || ppid === parent ? await cpuMs(pid) : 0;
  } catch {
    // It ended meanwhile.
    return 0;
  }
}
