import { defineEffect } from "../../engine/index.ts";

export interface LeaveAgentRow {
  regionId: string;
  instance: string;
  stream: string;
}

export interface LeaveAgentResult {
  instance: string;
}

/** Notes that an agent's stream has ended. No result: the agent has opened another one since. */
export const leaveAgent = defineEffect<LeaveAgentRow, LeaveAgentResult>({
  name: "leave_agent",
  input: { regionId: "text", instance: "text", stream: "text" },
  output: { instance: "text" },
  record: ({ regionId, instance }) => `${regionId} ${instance}`,
  sql: `
update agents as a set left_at = now()
  from $input where a.region_id = input.region_id and a.instance = input.instance and a.stream = input.stream
returning input.ord, a.instance`,
});
