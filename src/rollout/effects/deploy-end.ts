import { LONGEST_SILENCE } from "../silence.ts";

/** How a deploy's waiting has ended. */
export interface DeployEnd {
  /** The invocation that waited; it may never have begun. */
  invocation: string;
  /** Set: the deploy fails, unless it has an outcome by now. For a person. */
  giveUpReason: string | null;
  giveUpClass: string | null;
  /** What a report resolves should the deploy go on. */
  nextAwakeable: string | null;
}

/** Columns of a DeployEnd in an effect's input. */
export const DEPLOY_END_COLUMNS = {
  invocation: "text",
  giveUpReason: "text",
  giveUpClass: "text",
  nextAwakeable: "text",
} as const;

/**
 * Why a deploy is given up, for a person: of a time-out with what was known of
 * it, and whether there was an agent at all. From columns of a DeployEnd in
 * `input` and a row `s` of sentinels, which may be gone.
 */
export const GIVE_UP_TEXT = `
         case when input.give_up_class = 'timeout' then
           concat_ws(': ', input.give_up_reason, nullif(concat_ws('; before that: ', (
             select 'no agent connected for region ' || own.region_id || ', '
                    || coalesce('last seen ' || to_char(r.last_seen_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
                                'never seen')
               from (select s.region_id where s.id is not null) as own
               left join regions as r on r.region_id = own.region_id
              where r.last_seen_at > now() - ${LONGEST_SILENCE} is not true
           ), nullif(s.deploy_progress, '')), ''))
           else input.give_up_reason end as give_up_text`;

/**
 * CTE `waiting`: what becomes of the sentinel of a deploy that has no outcome
 * yet: it goes on with the next awakeable, or is given up. From a CTE
 * `unsettled` with sentinel_id, give_up_text, give_up_class and next_awakeable.
 */
export const GO_ON_OR_GIVE_UP = `
waiting as (
  update sentinels as s
     set deploy_status = case when u.give_up_text is null then s.deploy_status else 'failed' end,
         deploy_reason = coalesce(u.give_up_text, s.deploy_reason),
         deploy_reason_class = coalesce(u.give_up_class, s.deploy_reason_class),
         deploy_progress = case when u.give_up_text is null then s.deploy_progress else '' end,
         deploy_awakeable = case when u.give_up_text is null then u.next_awakeable end,
         updated_at = statement_timestamp()
    from unsettled as u where s.id = u.sentinel_id and s.deploy_status = 'progressing'
)`;
