import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { EmbeddedPostgresError, startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../support/temporary-directory.ts";

/**
 * Gives each test of the file a data directory of its own, in which Postgres ran
 * before: made once, then copied, which is much faster.
 *
 * @returns where the running test has its directory.
 */
export function useDataDirectory(): () => string {
  let original: TemporaryDirectory;
  let copy: TemporaryDirectory;
  const inside = (directory: TemporaryDirectory) => path.join(directory.path, "data");

  beforeAll(async () => {
    original = await createTemporaryDirectory();
    await startAndStop(inside(original));
  });
  afterAll(() => original[Symbol.asyncDispose]());

  beforeEach(async () => {
    copy = await createTemporaryDirectory();
    // -a: the files stay those of the user that Postgres runs under.
    await promisify(execFile)("cp", ["-a", inside(original), inside(copy)]);
  });
  afterEach(() => copy[Symbol.asyncDispose]());
  return () => inside(copy);
}

export async function startAndStop(dataDir: string): Promise<void> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  await postgres.stop();
}

/** The message with which Postgres refuses to start there. */
export async function whyNotStart(dataDir: string): Promise<string> {
  const error = await startAndStop(dataDir).then(
    () => new Error("it started"),
    (reason: Error) => reason,
  );
  if (!(error instanceof EmbeddedPostgresError)) throw error;
  return error.message;
}
