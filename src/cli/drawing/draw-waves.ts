import { type BarSegment, drawBar } from "./bar.ts";
import type { Canvas } from "./canvas.ts";
import { padStart } from "../fit-text.ts";
import { doneOf, type WaveView } from "../view/rollout-view.ts";
import type { Style } from "../terminal.ts";
import { formatCount, formatDuration } from "../words.ts";

/** Everything of a line but its bar. */
interface Row {
  readonly wave: WaveView;
  readonly cells: readonly string[];
}

const HEADINGS = ["wave", "upto", "ready", "failed", "time"] as const;
/** Wide enough for most times, so that the bars keep their length while one grows. */
const MIN_WIDTHS = [4, 4, 5, 6, 5] as const;
const READY = 2;
const MIN_BAR = 10;
const MAX_BAR = 100;

/** A line for each wave with its bar, at most `maxRows` lines in all; those around the current one stay. */
export function drawWaves(waves: readonly WaveView[], canvas: Canvas, maxRows: number): string[] {
  if (waves.length === 0) return [canvas.style.colors.dim("listing the targets")];
  const rows = waves.map((wave) => ({ wave, cells: cellsOf(wave, canvas.now) }));
  const widths = HEADINGS.map((heading, index) =>
    Math.max(MIN_WIDTHS[index] ?? 0, heading.length, ...rows.map((row) => row.cells[index]?.length ?? 0)),
  );
  // As it will be when all are ready.
  widths[READY] = Math.max(...waves.map(({ size }) => 2 * formatCount(size).length + 1), widths[READY] ?? 0);
  const barColumns = barWidth(widths, canvas.columns);
  const window = chooseWindow(waves, maxRows - 1);
  return [
    headingLine(widths, barColumns, canvas.style),
    ...rows.slice(window.from, window.to).map((row) => waveLine(row, widths, barColumns, canvas.style)),
    ...moreLine(waves.length, window, canvas.style),
  ];
}

function cellsOf(wave: WaveView, now: number): string[] {
  const end = wave.completedAt ?? now;
  return [
    String(wave.index + 1),
    wave.percentage === undefined ? "" : `${wave.percentage}%`,
    `${formatCount(wave.ready)}/${formatCount(wave.size)}`,
    wave.failed === 0 ? "" : formatCount(wave.failed),
    wave.startedAt === undefined ? "" : formatDuration(end - wave.startedAt),
  ];
}

function barWidth(widths: readonly number[], columns: number): number {
  const others = widths.reduce((sum, width) => sum + width + 2, 0);
  return Math.max(MIN_BAR, Math.min(MAX_BAR, columns - others));
}

function headingLine(widths: readonly number[], barColumns: number, { colors }: Style): string {
  const [wave, upto, ...rest] = HEADINGS.map((heading, index) => padStart(heading, widths[index] ?? 0));
  return colors.dim([wave, upto, " ".repeat(barColumns), ...rest].join("  "));
}

function waveLine({ wave, cells }: Row, widths: readonly number[], barColumns: number, style: Style): string {
  const { colors } = style;
  const [number, upto, ready, failed, time] = cells.map((cell, index) => padStart(cell, widths[index] ?? 0));
  const bar = drawBar(segmentsOf(wave, style), barColumns);
  const line = [number, colors.dim(upto ?? ""), bar, ready, colors.red(failed ?? ""), colors.dim(time ?? "")].join(
    "  ",
  );
  return line.trimEnd();
}

function segmentsOf(wave: WaveView, { colors, symbols }: Style): BarSegment[] {
  const waiting = Math.max(0, wave.size - doneOf(wave));
  const deploying = Math.min(wave.deploying, waiting);
  return [
    { count: wave.ready, paint: (cells) => colors.green(symbols.ready.repeat(cells)) },
    { count: wave.failed, paint: (cells) => colors.red(symbols.failed.repeat(cells)) },
    { count: wave.skipped, paint: (cells) => colors.yellow(symbols.skipped.repeat(cells)) },
    { count: wave.reverted, paint: (cells) => colors.cyan(symbols.reverted.repeat(cells)) },
    { count: deploying, paint: (cells) => colors.yellow(symbols.deploying.repeat(cells)) },
    { count: waiting - deploying, paint: (cells) => colors.dim(symbols.pending.repeat(cells)) },
  ];
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** The waves that are shown: the one reached last, a few before it, the next ones. */
function chooseWindow(waves: readonly WaveView[], rows: number): Window {
  if (waves.length <= rows) return { from: 0, to: waves.length };
  const shown = Math.max(1, rows - 1);
  const current = waves.findLastIndex((wave) => wave.startedAt !== undefined);
  const from = Math.min(Math.max(0, current - Math.floor(shown / 2)), waves.length - shown);
  return { from, to: from + shown };
}

function moreLine(count: number, { from, to }: Window, { colors }: Style): string[] {
  if (to - from === count) return [];
  const shown = to - from === 1 ? `wave ${to}` : `waves ${from + 1} to ${to}`;
  return [colors.dim(`${shown} of ${count}`)];
}
