import { SentinelRolloutState as State } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { Canvas } from "./canvas.ts";
import { estimateRemaining } from "../view/estimate.ts";
import { inStyle, showText, widthOf } from "../fit-text.ts";
import { ratePerSecond } from "../view/pace.ts";
import { failedOf, readyOf, type RolloutView } from "../view/rollout-view.ts";
import type { Style } from "../terminal.ts";
import { formatCount, formatDuration, formatEstimate, formatTime, stateWord } from "../words.ts";

/** The first lines of a picture: image and id, state and counts, the reason where there is one, what is left. */
export function drawHead(view: RolloutView, canvas: Canvas): string[] {
  return [titleLine(view, canvas), stateLine(view, canvas), ...reasonLine(view, canvas), ...estimateLine(view, canvas)];
}

/** One line on how a rollout stands, for where nothing can be drawn over. */
export function summaryLine(view: RolloutView, style: Style): string {
  if (view.rolloutId === "") return "no rollout yet";
  const counts = [waveOf(view), ...progressParts(view)].filter(Boolean).join(", ");
  return `${stateWord(view.state)}: ${inStyle(`${view.image} (${view.rolloutId})`, style)}: ${counts}`;
}

/** The id gives way to the image. */
function titleLine(view: RolloutView, { columns, style }: Canvas): string {
  const image = showText(view.image, columns, style);
  const id = showText(view.rolloutId, columns - widthOf(image) - 2, style);
  return `${style.colors.bold(image)}  ${style.colors.dim(id)}`.trimEnd();
}

function stateLine(view: RolloutView, { columns, now, style }: Canvas): string {
  const state = stateWord(view.state).toUpperCase();
  const parts = [waveOf(view), ...progressParts(view), ...timeParts(view, now)].filter((part) => part !== "");
  const line = `${stateColor(view.state, style)(style.colors.bold(state))}  `;
  return line + joinWhatFits(parts, ` ${style.symbols.dot} `, columns - state.length - 2);
}

function reasonLine({ reason }: RolloutView, { columns, style }: Canvas): string[] {
  return reason === "" ? [] : [style.colors.yellow(showText(reason, columns, style))];
}

/** There from the first wave on, so that what is below it stays where it is. */
function estimateLine(view: RolloutView, { columns, now, style }: Canvas): string[] {
  if (view.state !== State.IN_PROGRESS || view.waves.length === 0) return [];
  const estimate = estimateRemaining(view.waves, now);
  const isFirst = !view.waves.some((wave) => wave.completedAt !== undefined);
  const words =
    estimate === undefined
      ? `no estimate before ${isFirst ? "the first wave is over" : "something of this wave is done"}`
      : `about ${formatEstimate(estimate.remainingMs)} left, by ${estimate.basis}`;
  return [style.colors.dim(showText(words, columns, style))];
}

/** Whole parts only; the last ones are those that can be spared. */
function joinWhatFits(parts: readonly string[], separator: string, columns: number): string {
  return parts.reduce((line, part) => {
    const longer = line === "" ? part : line + separator + part;
    return longer.length <= columns ? longer : line;
  }, "");
}

function waveOf(view: RolloutView): string {
  const current = view.waves.findLast((wave) => wave.startedAt !== undefined);
  const active = view.state === State.IN_PROGRESS || view.state === State.PAUSED;
  return current && active ? `wave ${current.index + 1} of ${view.waves.length}` : "";
}

function progressParts(view: RolloutView): string[] {
  const failed = failedOf(view);
  const skipped = view.waves.reduce((sum, wave) => sum + wave.skipped, 0);
  return [
    `${formatCount(readyOf(view))} of ${formatCount(view.total)} ready`,
    failed > 0 ? `${formatCount(failed)} failed` : "",
    skipped > 0 ? `${formatCount(skipped)} skipped` : "",
    view.reverted > 0 ? `${formatCount(view.reverted)} reverted` : "",
  ];
}

function timeParts(view: RolloutView, now: number): string[] {
  if (view.startedAt === undefined) return [];
  if (view.endedAt !== undefined) return [`took ${formatDuration(view.endedAt - view.startedAt)}`];
  if (view.state !== State.IN_PROGRESS) return [`started ${formatTime(view.startedAt)}`];
  const rate = ratePerSecond(view.pace, now);
  return [
    `${formatDuration(now - view.startedAt)} so far`,
    rate === undefined ? "" : `${formatCount(Number(rate.toFixed(rate < 10 ? 1 : 0)))}/s`,
  ];
}

function stateColor(state: State, { colors }: Style): (text: string) => string {
  switch (state) {
    case State.COMPLETED:
      return colors.green;
    case State.PAUSED:
    case State.CANCELLED:
    case State.ROLLING_BACK:
      return colors.yellow;
    default:
      return colors.cyan;
  }
}
