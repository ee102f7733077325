/** A part of a bar: how many things it stands for, and how one cell of it looks. */
export interface BarSegment {
  readonly count: number;
  readonly paint: (cells: number) => string;
}

/**
 * Shares `width` cells out among the counts, proportionally. What is there at
 * all gets a cell, as long as the cells last: one failure in 50,000 shows.
 */
export function shareCells(counts: readonly number[], width: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return counts.map(() => 0);
  const cells = counts.map((count) => (count === 0 ? 0 : Math.max(1, Math.floor((count / total) * width))));
  const used = cells.reduce((sum, cell) => sum + cell, 0);
  for (let rest = used; rest !== width; rest += rest < width ? 1 : -1) {
    const step = rest < width ? 1 : -1;
    const index = step > 0 ? neediest(counts, cells, total, width) : widest(cells);
    cells[index] = (cells[index] ?? 0) + step;
  }
  return cells;
}

/** A bar of exactly `width` cells; blank where there is nothing to show. */
export function drawBar(segments: readonly BarSegment[], width: number): string {
  const cells = shareCells(
    segments.map((segment) => segment.count),
    width,
  );
  if (cells.every((count) => count === 0)) return " ".repeat(width);
  return segments.map((segment, index) => (cells[index] ? segment.paint(cells[index]) : "")).join("");
}

/** The one that is furthest below its exact share. */
function neediest(counts: readonly number[], cells: readonly number[], total: number, width: number): number {
  const needs = counts.map((count, index) => (count === 0 ? -Infinity : (count / total) * width - (cells[index] ?? 0)));
  return needs.indexOf(Math.max(...needs));
}

function widest(cells: readonly number[]): number {
  return cells.indexOf(Math.max(...cells));
}
