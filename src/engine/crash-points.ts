// Instants at which a process may be killed by a test: before and after
// everything that the engine commits. `docs/engine.md` says how they are used.

/** Every crash point, in the order in which a node comes to them. */
export const CRASH_POINTS = [
  // The schema is brought up to date; `open`: in the middle of its transaction.
  "migration:before",
  "migration:open",
  "migration:committed",
  // A block of ids for new invocations.
  "ids:before",
  "ids:taken",
  // A node registers, and shows itself.
  "node:before",
  "node:registered",
  "heartbeat:before",
  "heartbeat:written",
  // A node that is dead, leaves, or was lost is fenced off.
  "takeover:before",
  "takeover:fenced",
  "takeover:released",
  "takeover:committed",
  // The successor of a lost connection, before and after it told what became of the last batch.
  "rejoin:fenced",
  "rejoin:found-out",
  // Nothing is left to write, and what the node holds is about to be handed over.
  "leave:drained",
  // A call from outside, before it waits for a batch and after its commit.
  "call:made",
  "call:committed",
  // A batch. `stage-sent`: statements are under way, the commit is not asked for yet.
  "batch:taken",
  "batch:stage-sent",
  "batch:keys-claimed",
  "batch:effects-run",
  "batch:writes-made",
  "batch:sync-sent",
  "batch:committed",
  "batch:told",
  "batch:followed",
  // A batch failed and is about to be repeated or split.
  "batch:rolled-back",
  // Work that nobody owns.
  "claim:asked",
  "claim:committed",
  // Residents that only wait are let go of.
  "suspension:asked",
  "suspension:committed",
  // What is expired is deleted.
  "retention:before",
  "retention:page-deleted",
  "retention:nodes-forgotten",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

let watcher: ((point: CrashPoint) => void) | undefined;

/** Marks an instant. Does nothing unless somebody watches, which only tests do. */
export function crashPoint(point: CrashPoint): void {
  watcher?.(point);
}

/** From now on `watch` is called, synchronously, whenever an engine of this process comes to a point. */
export function watchCrashPoints(watch: (point: CrashPoint) => void): void {
  watcher = watch;
}
