import type { EngineStats } from "./api.ts";
import type { Succession } from "./succession.ts";

/** What an engine knows of itself without asking the database. */
export function statsOf(succession: Succession | undefined): EngineStats {
  const node = succession?.node;
  const { batches, operations } = node?.committer.stats ?? { batches: 0, operations: 0 };
  return {
    nodeId: node ? String(node.id) : "",
    resident: node?.residents.size ?? 0,
    active: node?.residents.active ?? 0,
    queuedOperations: succession?.queued ?? 0,
    batches,
    operations,
  };
}
