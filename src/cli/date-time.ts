import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { formatTime } from "./words.ts";

/** Local date and time, `2026-11-24 16:26:48`; empty where it is unset. */
export function dateTimeOf(timestamp: Timestamp | undefined): string {
  if (timestamp === undefined) return "";
  const at = timestampMs(timestamp);
  const date = new Date(at);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0"));
  return `${day.join("-")} ${formatTime(at)}`;
}
