import { execFileSync } from "node:child_process";
import { open, rm } from "node:fs/promises";
import path from "node:path";
import { eventually } from "./eventually.ts";
import { createTemporaryDirectory } from "./temporary-directory.ts";

/** A file system of its own, which a test may fill up. Unmounted at the end of its scope. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Leaves not one block. */
  fill(): Promise<void>;
  /** Gives back what `fill` took. */
  makeRoom(): Promise<void>;
}

/** `size` as mount has it: `160m`. Needs `canMount`. */
export async function mountSmallDisk(size: string): Promise<SmallDisk> {
  const directory = await createTemporaryDirectory();
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory.path]);
  const ballast = path.join(directory.path, "ballast");
  return {
    path: directory.path,
    async fill() {
      const writing = await open(ballast, "a");
      try {
        for (;;) await writing.write(Buffer.alloc(64 * 1024));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        await writing.close();
      }
    },
    makeRoom: () => rm(ballast),
    async [Symbol.asyncDispose]() {
      // A Postgres whose hydra was killed takes a moment to end.
      await eventually(() => execFileSync("umount", [directory.path], { stdio: "pipe" }), { timeoutMs: 20_000 });
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Whether this machine lets tests mount a file system: Linux, and the right to. */
export function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    // In a name space of its own, where it is gone at once.
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
