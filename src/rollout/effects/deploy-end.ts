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
 * CTE `waiting`: what becomes of the sentinel of a deploy that has no outcome
 * yet: it goes on with the next awakeable, or is given up. From a CTE
 * `unsettled` with sentinel_id and the columns of a DeployEnd.
 */
export const GO_ON_OR_GIVE_UP = `
waiting as (
  update sentinels as s
     set deploy_status = case when u.give_up_reason is null then s.deploy_status else 'failed' end,
         deploy_reason = coalesce(u.give_up_reason, s.deploy_reason),
         deploy_reason_class = coalesce(u.give_up_class, s.deploy_reason_class),
         deploy_awakeable = case when u.give_up_reason is null then u.next_awakeable end,
         updated_at = statement_timestamp()
    from unsettled as u where s.id = u.sentinel_id and s.deploy_status = 'progressing'
)`;
