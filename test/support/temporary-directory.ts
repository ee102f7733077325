import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** A directory that is removed, with all that is in it, at the end of its scope. */
export interface TemporaryDirectory extends AsyncDisposable {
  path: string;
}

/** Makes one that every user can enter, since a Postgres started by root is another user. */
export async function createTemporaryDirectory(): Promise<TemporaryDirectory> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "hydra-test-"));
  await chmod(directory, 0o755);
  return {
    path: directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
