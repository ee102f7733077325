import { defineEffect } from "../../engine/index.ts";

export interface SentinelRow {
  sentinelId: string;
}

export interface AdmitDeployResult {
  desiredState: "running" | "standby" | "archived";
}

/** Admission of Deploy: looks whether there is such a sentinel. Writes nothing. */
export const admitDeploy = defineEffect<SentinelRow, AdmitDeployResult>({
  name: "admit_deploy",
  input: { sentinelId: "text" },
  output: { desiredState: "text" },
  sql: `select input.ord, s.desired_state from $input join sentinels as s on s.id = input.sentinel_id`,
});
