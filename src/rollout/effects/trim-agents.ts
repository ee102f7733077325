import { defineEffect } from "../../engine/index.ts";

export interface TrimAgentsRow {
  /** Agents that were seen within this time stay. */
  keepMs: number;
}

export interface TrimAgentsResult {
  deleted: number;
}

/** Forgets runs of agents that have not been seen for long. */
export const trimAgents = defineEffect<TrimAgentsRow, TrimAgentsResult>({
  name: "trim_agents",
  input: { keepMs: "float8" },
  output: { deleted: "int4" },
  record: () => "agents",
  sql: `
with deleted as (
  delete from agents as a using $input where a.last_seen_at < now() - input.keep_ms * interval '1 millisecond'
  returning 1
)
select input.ord, (select count(*)::int from deleted) from $input`,
});
