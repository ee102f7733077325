import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type RolloutEvent, RolloutEventType as Type } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { inStyle } from "../fit-text.ts";
import type { Style } from "../terminal.ts";
import { countOf, formatCount, formatTime } from "../words.ts";

type Tone = "green" | "red" | "yellow" | "plain" | "faint";

interface Sentence {
  readonly tone: Tone;
  readonly text: (event: RolloutEvent) => string;
}

const SENTENCES = new Map<Type, Sentence>([
  [
    Type.ROLLOUT_STARTED,
    { tone: "plain", text: (e) => `rollout of ${e.image} to ${countOf(e.total ?? 0, "sentinel")} started` },
  ],
  [
    Type.WAVE_STARTED,
    { tone: "plain", text: (e) => `${waveName(e)} started: ${countOf(e.waveSize ?? 0, "sentinel")}` },
  ],
  [Type.SENTINEL_DEPLOYING, { tone: "faint", text: (e) => `${e.sentinelId} deploying` }],
  [Type.SENTINEL_READY, { tone: "green", text: (e) => `${e.sentinelId} ready` }],
  [Type.SENTINEL_FAILED, { tone: "red", text: (e) => `${e.sentinelId} failed${because(e)}` }],
  [Type.SENTINEL_SKIPPED, { tone: "yellow", text: (e) => `${e.sentinelId} skipped${because(e)}` }],
  [Type.SENTINEL_RECOVERED, { tone: "green", text: (e) => `${e.sentinelId} came up after all` }],
  [Type.WAVE_COMPLETED, { tone: "plain", text: (e) => `${waveName(e)} completed: ${waveCounts(e)}` }],
  [Type.ROLLOUT_PAUSED, { tone: "yellow", text: (e) => `rollout paused${because(e)}` }],
  [Type.ROLLOUT_RESUMED, { tone: "plain", text: () => "rollout resumed" }],
  [Type.ROLLOUT_CANCELLED, { tone: "yellow", text: (e) => `rollout cancelled${because(e)}` }],
  [Type.ROLLOUT_COMPLETED, { tone: "green", text: () => "rollout completed" }],
  [Type.ROLLBACK_STARTED, { tone: "yellow", text: () => "rollback started" }],
  [Type.SENTINEL_REVERTING, { tone: "faint", text: (e) => `${e.sentinelId} going back${to(e)}` }],
  [Type.SENTINEL_REVERTED, { tone: "green", text: (e) => `${e.sentinelId} is back${on(e)}` }],
  [Type.SENTINEL_REVERT_FAILED, { tone: "red", text: (e) => `${e.sentinelId} did not go back${because(e)}` }],
  [
    Type.ROLLBACK_COMPLETED,
    { tone: "green", text: (e) => `rollback completed: ${countOf(e.reverted ?? 0, "sentinel")} reverted` },
  ],
]);

/** What happened, in a few words; ids, images and reasons as they came. */
export function eventSentence(event: RolloutEvent): string {
  return SENTENCES.get(event.type)?.text(event) ?? "something that this version does not know";
}

/** The words, fit for a terminal and coloured by what they mean. */
export function styledSentence(event: RolloutEvent, style: Style, text = inStyle(eventSentence(event), style)): string {
  const { colors } = style;
  switch (SENTENCES.get(event.type)?.tone) {
    case "green":
      return colors.green(text);
    case "red":
      return colors.red(text);
    case "yellow":
      return colors.yellow(text);
    case "faint":
      return colors.dim(text);
    default:
      return text;
  }
}

/** One line of a plain listing: position (for `--after`), time, words. */
export function eventLine(event: RolloutEvent, style: Style, words = styledSentence(event, style)): string {
  const position = String(event.sequence).padStart(6);
  return `${style.colors.dim(`${position}  ${eventTime(event)}`)}  ${words}`;
}

export function eventTime(event: RolloutEvent): string {
  return event.time ? formatTime(timestampMs(event.time)) : "--:--:--";
}

function waveName(event: RolloutEvent): string {
  return `wave ${(event.waveIndex ?? 0) + 1}`;
}

/** How far the wave of a sentinel's event is. */
export function progressSentence(event: RolloutEvent): string {
  return `${waveName(event)}: ${waveCounts(event)}`;
}

function waveCounts(event: RolloutEvent): string {
  const ready = `${formatCount(event.waveReady ?? 0)} of ${formatCount(event.waveSize ?? 0)} ready`;
  return event.waveFailed ? `${ready}, ${formatCount(event.waveFailed)} failed` : ready;
}

function because(event: RolloutEvent): string {
  return event.reason === "" ? "" : `: ${event.reason}`;
}

function to(event: RolloutEvent): string {
  return event.image === "" ? "" : ` to ${event.image}`;
}

function on(event: RolloutEvent): string {
  return event.image === "" ? "" : ` on ${event.image}`;
}
