import type { Effect, Engine } from "../engine/index.ts";
import { trimAgents } from "./effects/trim-agents.ts";
import { trimChanges } from "./effects/trim-changes.ts";
import { trimEvents } from "./effects/trim-events.ts";
import { trimRollouts } from "./effects/trim-rollouts.ts";
import type { TrimResult, TrimRow } from "./effects/trim-row.ts";
import type { RolloutLog } from "./options.ts";

const EVERY_MS = 10 * 60 * 1_000;
/** In pieces, so that other writers get their turn. */
const AT_ONCE = 2_000;
/** Agents that were away for longer sync in full. */
const CHANGES_KEPT_MS = 24 * 60 * 60 * 1_000;
const AGENTS_KEPT_MS = 24 * 60 * 60 * 1_000;

export interface TrimmingOptions {
  readonly engine: Engine;
  readonly log: RolloutLog;
  /** How long rollouts are kept after their end, and events after they happened. */
  readonly historyMs: number;
}

/** Deletes what is old and nobody needs any more, every ten minutes; any number of servers may do so. */
export function startTrimming({ engine, log, historyMs }: TrimmingOptions): { stop(): void } {
  const trims: Readonly<Record<string, () => Promise<unknown>>> = {
    "changes of desired state": () => deleteOldChanges(engine, CHANGES_KEPT_MS),
    "agents that are gone": () => engine.execute(trimAgents, { keepMs: AGENTS_KEPT_MS }),
    "events and rollouts": () => deleteOldHistory(engine, historyMs),
  };
  const trim = () => {
    for (const [what, run] of Object.entries(trims)) {
      run().catch((error: unknown) => log.warn({ err: error }, `old ${what} could not be deleted; it is tried again`));
    }
  };
  const timer = setInterval(trim, EVERY_MS).unref();
  return { stop: () => clearInterval(timer) };
}

/** Returns how many changes it deleted. */
export async function deleteOldChanges(engine: Engine, keepMs: number): Promise<number> {
  return deleteAll(engine, trimChanges, keepMs, AT_ONCE);
}

/** Returns how many rows it deleted: events, rollouts and their targets. */
export async function deleteOldHistory(engine: Engine, keepMs: number): Promise<number> {
  const events = await deleteAll(engine, trimEvents, keepMs, AT_ONCE);
  // A call deletes of one rollout at most.
  return events + (await deleteAll(engine, trimRollouts, keepMs, 1));
}

/** Until a call has deleted less than `enough`. */
async function deleteAll(
  engine: Engine,
  effect: Effect<TrimRow, TrimResult>,
  keepMs: number,
  enough: number,
): Promise<number> {
  let total = 0;
  for (;;) {
    const deleted = (await engine.execute(effect, { keepMs, atMost: AT_ONCE }))?.deleted ?? 0;
    total += deleted;
    if (deleted < enough) return total;
  }
}
