import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Notifications } from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { inStyle, wrapText } from "./fit-text.ts";
import type { Style } from "./terminal.ts";
import { countOf, formatCount, formatTime } from "./words.ts";

/** What became of the messages to the webhook, and what is wrong with it; empty where there is none. */
export function notificationLines(
  notifications: Notifications | undefined,
  { columns, style }: { columns: number; style: Style },
): string[] {
  if (!notifications?.enabled) return [];
  const { sent, waiting, dropped } = notifications;
  const counts = [
    `${formatCount(sent)} sent`,
    waiting > 0 ? `${formatCount(waiting)} waiting` : "",
    dropped > 0 ? `${formatCount(dropped)} given up` : "",
  ];
  const warning = warningOf(notifications, style);
  return [
    "",
    `webhook  ${counts.filter((part) => part !== "").join(", ")}`,
    ...(warning === "" ? [] : wrapText(warning, columns).map((line) => style.colors.yellow(line))),
  ];
}

function warningOf({ dropped, lastFailure, lastFailureAt }: Notifications, style: Style): string {
  const gaveUp = dropped > 0 ? `The webhook did not get ${countOf(dropped, "message")}.` : "";
  if (lastFailure === "") return gaveUp;
  const at = lastFailureAt === undefined ? "" : ` at ${formatTime(timestampMs(lastFailureAt))}`;
  return `${gaveUp} The last try failed${at}: ${inStyle(lastFailure, style)}`.trim();
}
