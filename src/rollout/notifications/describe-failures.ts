import type { FailureGroup, NotificationFacts } from "../reading/index.ts";
import { number, sentinels } from "./figures.ts";
import { quote } from "./mrkdwn.ts";

const LONGEST_CLASS = 40;
const LONGEST_ID = 63;
const LONGEST_REASON = 200;

/** A line for each way in which targets failed; the first five ids are named. Empty where none failed. */
export function describeFailures({ failures, failuresTotal }: NotificationFacts): string[] {
  const told = failures.reduce((sum, { count }) => sum + count, 0);
  const rest = failuresTotal - told;
  return [...failures.map(describeGroup), ...(rest > 0 ? [`• ${sentinels(rest)} in other ways`] : [])];
}

function describeGroup({ failureClass, count, firstIds, reason }: FailureGroup): string {
  const ids = firstIds.map((id) => quote(id, LONGEST_ID)).join(", ");
  const more = count - firstIds.length;
  const who = ids === "" ? sentinels(count) : more > 0 ? `${ids} and ${number(more)} more` : ids;
  const why = quote(reason, LONGEST_REASON);
  return `• ${quote(failureClass || "failed", LONGEST_CLASS)} ${who}${why === "" ? "" : ` – ${why}`}`;
}
