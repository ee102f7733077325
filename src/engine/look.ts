import type { NodeShared } from "./node-surroundings.ts";
import type { Residents } from "./residents.ts";
import { loadAsked, loadCompletions } from "./store/journal.ts";

// Looks whether what invocations wait for has come, or their end was asked for:
// a hint of it may have been lost (E5).

const AT_ONCE = 1_000;

type Shared = Pick<NodeShared, "pool" | "log">;

/** Those that are not resident are left out. */
export async function look({ pool, log }: Shared, residents: Residents, ids: readonly number[]): Promise<void> {
  const own = ids.filter((id) => residents.has(id));
  if (own.length === 0) return;
  try {
    const requests = await loadAsked(pool, own);
    for (const [id, asked] of requests) residents.ask(id, asked);
    for (const [id, records] of await loadCompletions(pool, own)) {
      for (const { entry, completion } of records) if (completion) residents.deliver(id, entry, completion);
    }
  } catch (error) {
    log.debug({ err: error }, "could not look for completions");
  }
}

/** At those that were not looked at for the longest. */
export function lookAtOldest(shared: Shared, residents: Residents): Promise<void> {
  return look(shared, residents, residents.oldest(AT_ONCE));
}

/** At everything, in pieces. */
export async function lookAtAll(shared: Shared, residents: Residents, isOver: () => boolean): Promise<void> {
  for (let rest = residents.size; rest > 0 && !isOver(); rest -= AT_ONCE) await lookAtOldest(shared, residents);
}
