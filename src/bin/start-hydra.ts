import type { Transport } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { Config } from "../config/index.ts";
import { Phases } from "./phases.ts";
import { ReleaseStack } from "./release-stack.ts";
import { StartGivenUpError } from "./user-error.ts";

export interface HydraOptions {
  config: Config;
  version: string;
  log: Logger;
  /** Listen on other addresses than loopback without tokens. */
  insecure?: boolean;
  /** Gives the start up. */
  signal: AbortSignal;
}

/** A whole hydra in this process. */
export interface RunningHydra {
  readonly url: string;
  /** To the same services, without a network between. */
  readonly transport: Transport;
  /** How long each phase of the start took. */
  readonly phases: Phases;
  /** Resolves when hydra cannot go on by itself. Call `stop` then. */
  readonly lost: Promise<Error>;
  /** Something that rests on hydra and is to be stopped before it. */
  defer(release: () => void | Promise<void>): void;
  /** Stops everything in reverse order; attempts in flight get their grace. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts Postgres, or uses the one in DATABASE_URL, brings its schema up to
 * date, then starts the engine and the server.
 *
 * @throws UserError, StartGivenUpError, or another error; nothing stays behind then.
 */
export async function startHydra(options: HydraOptions): Promise<RunningHydra> {
  const started = new ReleaseStack();
  try {
    return await start(options, started);
  } catch (error) {
    await started.release().catch((failure: unknown) => options.log.warn({ err: failure }, "could not clean up"));
    throw options.signal.aborted ? new StartGivenUpError() : error;
  }
}

async function start(options: HydraOptions, started: ReleaseStack): Promise<RunningHydra> {
  const phases = new Phases();
  const { promise: lost, resolve: onLost } = Promise.withResolvers<Error>();
  // The code of the rest is loaded while Postgres starts.
  const [databaseUrl, { startServices }] = await Promise.all([
    phases.measure("postgres", () => openDatabase(options, started, onLost)),
    phases.measure("code", () => import("./start-services.ts")),
  ]);
  options.signal.throwIfAborted();
  const server = await startServices(options, databaseUrl, started, phases);
  return {
    ...server,
    phases,
    lost,
    defer: (release) => started.defer(release),
    stop: () => started.release(),
  };
}

async function openDatabase(
  { config, log, signal }: HydraOptions,
  started: ReleaseStack,
  onLost: (error: Error) => void,
): Promise<string> {
  if (config.databaseUrl !== undefined) {
    const { waitForPostgres } = await import("./wait-for-postgres.ts");
    await waitForPostgres({ databaseUrl: config.databaseUrl, waitMs: config.databaseWaitMs, log, signal });
    return config.databaseUrl;
  }
  const { OwnPostgres } = await import("./own-postgres.ts");
  const postgres = await OwnPostgres.start(config.dataDir, log, onLost);
  started.defer(() => postgres.stop());
  return postgres.url;
}
