import { readFile } from "node:fs/promises";
import path from "node:path";

/** What the server process of Postgres, the postmaster, says of itself in `postmaster.pid`. */
export interface PostmasterFile {
  pid: number;
  socketDir: string;
  /** It accepts connections: recovery is over. */
  ready: boolean;
}

/** Undefined where there is no such file, or Postgres has only begun to write it. */
export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(path.join(clusterDir, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number.parseInt(lines[0] ?? "", 10);
  if (!(pid > 0)) return undefined;
  return { pid, socketDir: lines[4] ?? "", ready: lines[7]?.trim() === "ready" };
}
