import { defineEffect } from "../../engine/index.ts";
import { DEPLOY_END_COLUMNS, type DeployEnd, GIVE_UP_TEXT, GO_ON_OR_GIVE_UP } from "./deploy-end.ts";
import { LOCK_LOG } from "./log.ts";
import { absence } from "./sentinel-sql.ts";

export interface FinishDeployRow extends DeployEnd {
  sentinelId: string;
}

export interface FinishDeployResult {
  outcome: "progressing" | "ready" | "failed";
  reason: string;
}

/** The outcome of an operator's deploy that is true at the commit (R9). */
export const finishDeploy = defineEffect<FinishDeployRow, FinishDeployResult>({
  name: "finish_deploy",
  input: { sentinelId: "text", ...DEPLOY_END_COLUMNS },
  output: { outcome: "text", reason: "text" },
  prelude: LOCK_LOG,
  record: (row) => row.sentinelId,
  sql: `
with found as materialized (
  select input.*, s.deploy_reason, ${absence("s")} as absence, ${GIVE_UP_TEXT},
         case when s.id is null or s.desired_state <> 'running' then 'absent'
              when s.deploy_invocation is distinct from input.invocation or s.deploy_status = 'idle' then 'superseded'
              when s.deploy_status in ('ready', 'failed') then s.deploy_status
              when input.give_up_reason is not null then 'given_up'
              else 'progressing' end as verdict
    from $input left join sentinels as s on s.id = input.sentinel_id
),
unsettled as materialized (
  select sentinel_id, give_up_text, give_up_class, next_awakeable from found where verdict in ('given_up', 'progressing')
),
${GO_ON_OR_GIVE_UP}
select ord, case when verdict in ('absent', 'superseded', 'given_up') then 'failed' else verdict end,
       case verdict when 'absent' then absence when 'superseded' then 'superseded by an edit'
                    when 'failed' then deploy_reason when 'given_up' then give_up_text else '' end
  from found`,
});
