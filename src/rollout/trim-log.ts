import type { Engine } from "../engine/index.ts";
import { trimAgents } from "./effects/trim-agents.ts";
import { trimChanges } from "./effects/trim-changes.ts";
import type { RolloutLog } from "./options.ts";

const EVERY_MS = 10 * 60 * 1_000;
const AT_ONCE = 2_000;
/** Agents that were away for longer sync in full. */
const CHANGES_KEPT_MS = 24 * 60 * 60 * 1_000;
const AGENTS_KEPT_MS = 24 * 60 * 60 * 1_000;

/** Deletes changes of desired state that no agent needs any more, and agents that are gone; any number of servers may do so. */
export function startTrimmingLog(engine: Engine, log: RolloutLog): { stop(): void } {
  const trim = () => {
    deleteOldChanges(engine, CHANGES_KEPT_MS).catch((error: unknown) => {
      log.warn({ err: error }, "old changes of desired state could not be deleted; it is tried again");
    });
    engine.execute(trimAgents, { keepMs: AGENTS_KEPT_MS }).catch((error: unknown) => {
      log.warn({ err: error }, "agents that are gone could not be forgotten; it is tried again");
    });
  };
  const timer = setInterval(trim, EVERY_MS).unref();
  return { stop: () => clearInterval(timer) };
}

/** In pieces, so that other writers get their turn. Returns how many it deleted. */
export async function deleteOldChanges(engine: Engine, keepMs: number): Promise<number> {
  let total = 0;
  for (;;) {
    const deleted = (await engine.execute(trimChanges, { keepMs, atMost: AT_ONCE }))?.deleted ?? 0;
    total += deleted;
    if (deleted < AT_ONCE) return total;
  }
}
