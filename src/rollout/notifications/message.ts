import type { NotificationFacts } from "../reading/index.ts";
import { describeFailures } from "./describe-failures.ts";
import { duration, number, percent, sentinels } from "./figures.ts";
import { escape, quote } from "./mrkdwn.ts";

/** Body of a request to an incoming webhook: Block Kit, and a text for where blocks are not shown. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

type SlackBlock =
  | {
      readonly type: "header";
      readonly text: { readonly type: "plain_text"; readonly text: string; readonly emoji: false };
    }
  | {
      readonly type: "section";
      readonly text: { readonly type: "mrkdwn"; readonly text: string; readonly verbatim: true };
    };

export interface MessageOptions {
  /** The webhook may have this message already. */
  readonly repeat: boolean;
  /** Where people reach hydra with a browser; undefined: the message has no link. */
  readonly publicUrl?: string | undefined;
}

/** Slack refuses longer sections. A header is ours and stays far below its limit of 150. */
const LONGEST_SECTION = 3_000;
const LONGEST_IMAGE = 400;
const LONGEST_REASON = 400;

const WHAT_NEXT = "*Next* `hydra resume` goes on with the next wave, `hydra rollback` takes the image back";

const REPEAT = "possible repeat: nobody knows whether an earlier try arrived";

/** The message that tells of an event. Pure: the same facts make the same message. */
export function composeMessage(facts: NotificationFacts, { repeat, publicUrl }: MessageOptions): SlackMessage {
  const header = headerOf(facts);
  const image = quote(facts.image, LONGEST_IMAGE);
  const lines = [
    ...(repeat ? [`_(${REPEAT})_`] : []),
    `*Image* ${image}`,
    ...linesOf(facts),
    `*Rollout* ${quote(facts.rolloutId, 100)}${publicUrl === undefined ? "" : ` · ${linkTo(publicUrl, facts.rolloutId)}`}`,
  ];
  return {
    text: `${header}: ${image}${repeat ? ` (${REPEAT})` : ""}`,
    blocks: [
      { type: "header", text: { type: "plain_text", text: header, emoji: false } },
      { type: "section", text: { type: "mrkdwn", text: fit(lines), verbatim: true } },
    ],
  };
}

function headerOf({ type, wave, waves }: NotificationFacts): string {
  const ofWaves = wave && `${number(wave.index + 1)} of ${number(waves)}`;
  switch (type) {
    case "wave_started":
      return `Wave ${ofWaves} started`;
    case "wave_completed":
      return `Wave ${ofWaves} completed`;
    case "rollout_paused":
      return ofWaves ? `Rollout paused in wave ${ofWaves}` : "Rollout paused";
    default: {
      const words = type.replaceAll("_", " ");
      return words.charAt(0).toUpperCase() + words.slice(1);
    }
  }
}

function linesOf(facts: NotificationFacts): string[] {
  switch (facts.type) {
    case "rollout_started":
      return [`${sentinels(facts.total)}, in waves up to ${facts.percentages.map(number).join(", ")} %`];
    case "wave_started":
      return facts.wave
        ? [`${sentinels(facts.wave.size)}, up to ${facts.wave.percentage} % of all`, standing(facts)]
        : [];
    case "wave_completed":
      return [...waveOutcome(facts), ...describeFailures(facts), standing(facts)];
    case "rollout_paused":
      return [...reason(facts), standing(facts), ...describeFailures(facts), WHAT_NEXT];
    case "rollout_cancelled":
      return [...reason(facts), standing(facts), ...describeFailures(facts)];
    case "rollback_completed":
      return [
        `${sentinels(facts.revertedNow ?? 0)} back on the previous image`,
        standing(facts),
        ...describeFailures(facts),
      ];
    default:
      return [standing(facts), ...describeFailures(facts)];
  }
}

function waveOutcome({ wave }: NotificationFacts): string[] {
  if (!wave) return [];
  const { ready, size, failed, elapsedMs } = wave;
  const failing = failed > 0 ? `, ${number(failed)} failed` : "";
  return [
    `This wave: ${number(ready)} of ${number(size)} ready (${percent(ready, size)})${failing} · ${duration(elapsedMs)}`,
  ];
}

function reason(facts: NotificationFacts): string[] {
  const quoted = quote(facts.reason, LONGEST_REASON);
  return quoted === "" ? [] : [`*Reason* ${quoted}`];
}

/** How the whole rollout stands. */
function standing({ total, ready, failed, skipped, reverted, elapsedMs }: NotificationFacts): string {
  const others = [
    [failed, "failed"],
    [skipped, "skipped"],
    [reverted, "reverted"],
  ] as const;
  const more = others.flatMap(([value, word]) => (value > 0 ? [`, ${number(value)} ${word}`] : [])).join("");
  return `In all: ${number(ready)} of ${number(total)} ready (${percent(ready, total)})${more} · ${duration(elapsedMs)} since the start`;
}

function linkTo(publicUrl: string, rolloutId: string): string {
  const url = new URL(publicUrl);
  // Of a setting that has them: not for everybody in the channel.
  url.username = url.password = "";
  url.searchParams.set("rollout", rolloutId);
  return `<${escape(url.href.replaceAll("|", "%7C"))}|Open in hydra>`;
}

/** As many lines as there is room for. */
function fit(lines: readonly string[]): string {
  return lines.reduce((text, line) => {
    const longer = text === "" ? line : `${text}\n${line}`;
    return longer.length <= LONGEST_SECTION ? longer : text;
  }, "");
}
