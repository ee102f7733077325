import { rmSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type ExitCode, playDemo } from "../cli/index.ts";
import { startDemoFleet } from "./demo-fleet.ts";
import { KillableServer } from "./killable-server.ts";
import { ReleaseStack } from "./release-stack.ts";
import type { Surroundings } from "./surroundings.ts";
import { StartGivenUpError, UserError } from "./user-error.ts";

/**
 * `hydra demo`: a server in a process of its own, on a database that lives for
 * the demo only; a simulated cluster and an operator in this one. Leaves nothing behind.
 */
export async function demo({ env, version, terminal, interrupted }: Surroundings): Promise<ExitCode> {
  const started = new ReleaseStack();
  const broken = new AbortController();
  const signal = AbortSignal.any([interrupted, broken.signal]);
  try {
    const directory = await makeDirectory(started);
    const exitCode = await playDemo({
      terminal,
      interrupted: signal,
      async startServer() {
        const server = await KillableServer.start({ directory, env, signal, onLost: (why) => broken.abort(why) });
        started.defer(() => server.stop());
        const fleet = await startDemoFleet(server.url, version, signal);
        started.defer(() => fleet.stop());
        return server;
      },
    });
    broken.signal.throwIfAborted();
    return exitCode;
  } catch (error) {
    broken.signal.throwIfAborted();
    throw interrupted.aborted ? new StartGivenUpError() : error;
  } finally {
    await started.release();
    if (interrupted.aborted) terminal.complain("The demo was stopped. Nothing of it is left.");
  }
}

/**
 * Everything of the demo is in it. Removed even where a second Ctrl-C, or a
 * terminal that goes away, ends the process at once.
 */
async function makeDirectory(started: ReleaseStack): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "hydra-demo-")).catch((error: Error) => {
    throw new UserError(`there is no room for the demo's data: ${error.message}. Set TMPDIR to a directory of yours.`);
  });
  const removeAtOnce = () => rmSync(directory, PATIENT_REMOVAL);
  process.once("exit", removeAtOnce);
  started.defer(() => void process.off("exit", removeAtOnce));
  started.defer(() =>
    rm(directory, PATIENT_REMOVAL).catch((error: Error) => {
      throw new UserError(`the demo's data could not be removed: ${error.message}`);
    }),
  );
  // Run by root, Postgres is another user, whose socket is in there.
  await chmod(directory, 0o711);
  return directory;
}

/** A Postgres that was killed may still be at work in it for a moment. */
const PATIENT_REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 };
