// Rolls an image out, prints its waves and what fails in them, and exits as the rollout ends.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  Code,
  ConnectError,
  createHydraClient,
  type HydraClient,
  IDEMPOTENCY_KEY_HEADER,
  type Rollout,
  SentinelRolloutState as State,
  type WatchResponse,
} from "@hydra-rollout/hydra/client";
import { show, showRollout } from "./show.ts";

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;
const EXIT_CONNECTION = 5;

/** Where a rollout comes to rest, and what the program exits with then. */
const EXIT_CODES = new Map<State, number>([
  [State.COMPLETED, 0],
  [State.PAUSED, 3],
  [State.CANCELLED, 4],
]);

const RETRY_PAUSE_MS = 200;
/** How long a server that has been heard may be away. */
const PATIENCE_MS = 30_000;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { url: { type: "string" }, key: { type: "string", default: randomUUID() } },
  });
  const [image] = positionals;
  if (image === undefined || positionals.length > 1) {
    console.error("usage: rollout.ts [--url URL] [--key KEY] IMAGE");
    return EXIT_USAGE;
  }
  const baseUrl = values.url ?? process.env["HYDRA_URL"] ?? "http://127.0.0.1:8080";
  const token = process.env["HYDRA_TOKEN"];
  const hydra = createHydraClient({ baseUrl, ...(token ? { token } : {}) });
  try {
    return await rollOut(hydra, image, values.key);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    console.error(isLostConnection(error) ? `no server answers at ${baseUrl}: ${error.message}` : error.message);
    return isLostConnection(error) ? EXIT_CONNECTION : EXIT_REFUSED;
  }
}

/** Starts a rollout, prints what happens until it has come to rest, and resolves to the exit code of that. */
async function rollOut(hydra: HydraClient, image: string, key: string): Promise<number> {
  const over = new AbortController();
  const { promise: exitCode, resolve, reject } = Promise.withResolvers<number>();
  const states = new Map<string, State>();
  let rolloutId: string | undefined;
  const endAtRest = () => {
    const code = EXIT_CODES.get(states.get(rolloutId ?? "") ?? State.UNSPECIFIED);
    if (code !== undefined) resolve(code);
  };
  const call = async () => {
    const rollout = await start(hydra, image, key, over.signal);
    rolloutId = rollout.id;
    // The key may be that of an earlier rollout, of which the watch does not tell.
    if (!states.has(rolloutId)) showRollout(rollout, states);
    endAtRest();
  };
  const print = async () => {
    let calling: Promise<void> | undefined;
    for await (const response of watch(hydra, over.signal)) {
      show(response, states);
      // Not before the watch has begun, so that the watch misses nothing.
      calling ??= call().catch(reject);
      endAtRest();
    }
  };
  print().catch(reject);
  return exitCode.finally(() => over.abort());
}

/**
 * Resolves to the rollout once it has come to rest. The key makes it safe to call again after a lost connection: the
 * answer is the first call's.
 */
async function start(hydra: HydraClient, image: string, key: string, signal: AbortSignal): Promise<Rollout> {
  for (;;) {
    try {
      const headers = { [IDEMPOTENCY_KEY_HEADER]: key };
      const { rolloutId } = await hydra.rollouts.rollout({ image }, { headers, signal });
      const { rollout } = await hydra.rollouts.getRollout({ rolloutId }, { signal });
      if (!rollout) throw new Error(`the server knows nothing of ${rolloutId}`);
      return rollout;
    } catch (error) {
      if (signal.aborted || !isLostConnection(error)) throw error;
      await pause(RETRY_PAUSE_MS);
    }
  }
}

/** Everything that happens, across lost connections: none missing, none twice. */
async function* watch(hydra: HydraClient, signal: AbortSignal): AsyncGenerator<WatchResponse> {
  let position: { afterSequence?: bigint; epoch?: string } = {}; // Empty: begin with a snapshot.
  let heardAt = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      for await (const response of hydra.rollouts.watch(position, { signal })) {
        heardAt = performance.now();
        const { message, epoch } = response;
        // Unset: as before.
        if (epoch !== undefined) position = { ...position, epoch };
        if (message.case === "snapshot" || message.case === "event") {
          position = { ...position, afterSequence: message.value.sequence };
        }
        yield response;
      }
    } catch (error) {
      if (performance.now() - heardAt > PATIENCE_MS) throw error;
    }
    await pause(RETRY_PAUSE_MS);
  }
}

/** Not what the server has said, unless it was that it is stopping. */
function isLostConnection(error: unknown): boolean {
  return error instanceof ConnectError && (error.code === Code.Unavailable || error.code === Code.Aborted);
}

process.exitCode = await main();
