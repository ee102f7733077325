import { SentinelRolloutState as State } from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { drawBar } from "./bar.ts";
import type { Canvas } from "./canvas.ts";
import { drawWaves } from "./draw-waves.ts";
import { estimateRemainingMs } from "./estimate.ts";
import { eventSentence, eventTime, styledSentence } from "./event-sentence.ts";
import { fitText } from "./fit-text.ts";
import { ratePerSecond } from "./pace.ts";
import { failedOf, readyOf, type RolloutView, type WaveView } from "./rollout-view.ts";
import type { Style } from "./terminal.ts";
import { countOf, formatCount, formatDuration, formatEstimate, formatTime, stateWord } from "./words.ts";

const MAX_FAILURES_SHOWN = 5;
const MAX_EVENTS_SHOWN = 5;

/** Draws one rollout: what it is, its waves, what failed and why, what happened last. Pure. */
export function drawRollout(view: RolloutView, canvas: Canvas): string[] {
  if (view.rolloutId === "") return ["No rollout yet. Start one: hydra rollout IMAGE"];
  const head = [titleLine(view, canvas), stateLine(view, canvas), ...reasonLines(view, canvas), ""];
  const rollback = rollbackLines(view, canvas);
  const failures = failureLines(view, canvas);
  const fixed = head.length + rollback.length + failures.length;
  const waves = drawWaves(view.waves, canvas, Math.max(4, canvas.rows - fixed - 1));
  const room = canvas.rows - fixed - waves.length - 1;
  return [...head, ...waves, ...rollback, ...failures, ...eventLines(view, canvas, room)];
}

function titleLine(view: RolloutView, { columns, style }: Canvas): string {
  const room = columns - view.rolloutId.length - 2;
  return `${style.colors.bold(fitText(view.image, room, style.symbols.ellipsis))}  ${style.colors.dim(view.rolloutId)}`;
}

function stateLine(view: RolloutView, { columns, now, style }: Canvas): string {
  const state = stateWord(view.state).toUpperCase();
  const parts = [waveOf(view), ...progressParts(view), ...timeParts(view, now)].filter((part) => part !== "");
  const rest = joinWhatFits(parts, ` ${style.symbols.dot} `, columns - state.length - 2);
  return `${stateColor(view.state, style)(style.colors.bold(state))}  ${rest}`;
}

/** Whole parts only; the last ones are those that can be spared. */
function joinWhatFits(parts: readonly string[], separator: string, columns: number): string {
  return parts.reduce((line, part) => {
    const longer = line === "" ? part : line + separator + part;
    return longer.length <= columns ? longer : line;
  }, "");
}

function waveOf(view: RolloutView): string {
  const current = view.waves.filter((wave) => wave.startedAt !== undefined).at(-1);
  const active = view.state === State.IN_PROGRESS || view.state === State.PAUSED;
  return current && active ? `wave ${current.index + 1} of ${view.waves.length}` : "";
}

function progressParts(view: RolloutView): string[] {
  const failed = failedOf(view);
  const skipped = sumOf(view.waves, (wave) => wave.skipped);
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
  const left = estimateRemainingMs(view.waves, now);
  return [
    rate === undefined ? "" : `${formatCount(Number(rate.toFixed(rate < 10 ? 1 : 0)))}/s`,
    `${formatDuration(now - view.startedAt)} so far`,
    left === undefined ? "" : `about ${formatEstimate(left)} left`,
  ];
}

function reasonLines(view: RolloutView, { columns, style }: Canvas): string[] {
  return view.reason === "" ? [] : [style.colors.yellow(fitText(view.reason, columns, style.symbols.ellipsis))];
}

function rollbackLines({ rollback }: RolloutView, { columns, style }: Canvas): string[] {
  if (rollback === undefined) return [];
  const { colors, symbols } = style;
  const failed = rollback.failed > 0 ? `, ${formatCount(rollback.failed)} did not go back` : "";
  const words = `${formatCount(rollback.reverted)} of ${formatCount(rollback.total)} reverted${failed}`;
  const rest = Math.max(0, rollback.total - rollback.reverted - rollback.failed);
  const bar = drawBar(
    [
      { count: rollback.reverted, paint: (cells) => colors.cyan(symbols.ready.repeat(cells)) },
      { count: rollback.failed, paint: (cells) => colors.red(symbols.failed.repeat(cells)) },
      { count: rest, paint: (cells) => colors.dim(symbols.pending.repeat(cells)) },
    ],
    Math.max(10, Math.min(60, columns - words.length - 14)),
  );
  return ["", `rollback  ${bar}  ${words}`];
}

function failureLines(view: RolloutView, { columns, style }: Canvas): string[] {
  const failed = Math.max(failedOf(view), view.failures.length);
  if (failed === 0) return [];
  const shown = view.failures.slice(-MAX_FAILURES_SHOWN);
  const idColumns = Math.min(24, Math.max(...shown.map(({ sentinelId }) => sentinelId.length), 0));
  const lines = shown.map(({ sentinelId, reason }) => {
    const id = fitText(sentinelId, idColumns, style.symbols.ellipsis).padEnd(idColumns);
    return `  ${style.colors.red(id)}  ${fitText(reason, columns - idColumns - 4, style.symbols.ellipsis)}`;
  });
  const more = failed - shown.length;
  const rest = more > 0 ? [style.colors.dim(`  and ${countOf(more, "other")}: see hydra status --failed`)] : [];
  return ["", style.colors.bold("failed"), ...lines, ...rest];
}

function eventLines(view: RolloutView, { columns, style }: Canvas, room: number): string[] {
  const shown = view.recent.slice(-Math.max(0, Math.min(MAX_EVENTS_SHOWN, room - 2)));
  if (room < 3 || shown.length === 0) return [];
  const lines = shown.map((event) => {
    const words = fitText(eventSentence(event), columns - 12, style.symbols.ellipsis);
    return `  ${style.colors.dim(eventTime(event))}  ${styledSentence(event, style, words)}`;
  });
  return ["", style.colors.bold("last"), ...lines];
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

/** One line on how a rollout stands, for where nothing can be drawn over. */
export function summaryLine(view: RolloutView): string {
  if (view.rolloutId === "") return "no rollout yet";
  const parts = [waveOf(view), ...progressParts(view)].filter(Boolean).join(", ");
  return `${stateWord(view.state)}: ${view.image} (${view.rolloutId}): ${parts}`;
}

function sumOf(waves: readonly WaveView[], count: (wave: WaveView) => number): number {
  return waves.reduce((sum, wave) => sum + count(wave), 0);
}
