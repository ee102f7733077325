import type { Column } from "./column.ts";

/** Blanks between two columns. */
export const GAP = 2;

/** A column that is shown, and how wide. */
export interface FittedColumn<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

/**
 * Chooses the columns that have room and gives each its width: first those of
 * the highest ranks are left out, then the widest of those that may be cut
 * give way. Pure.
 *
 * @param natural how wide each column would be
 * @param room columns of the terminal
 */
export function fitColumns<Row>(
  columns: readonly Column<Row>[],
  natural: readonly number[],
  room: number,
): FittedColumn<Row>[] {
  const wanted = columns.map((column, index) => ({ column, width: Math.min(room, natural[index] ?? 0) }));
  const kept = shrink(leaveOut(wanted, room), room, leastOf);
  // What may not be cut is cut all the same before it breaks the lines.
  return shrink(kept, room, () => 1);
}

function leaveOut<Row>(fitted: FittedColumn<Row>[], room: number): FittedColumn<Row>[] {
  const least = totalWidth(fitted.map((each) => ({ ...each, width: leastOf(each) })));
  const highest = Math.max(...fitted.map(({ column }) => column.rank ?? 0));
  if (least <= room || highest === 0) return fitted;
  const last = fitted.findLastIndex(({ column }) => (column.rank ?? 0) === highest);
  return leaveOut(fitted.toSpliced(last, 1), room);
}

function shrink<Row>(
  fitted: FittedColumn<Row>[],
  room: number,
  least: (each: FittedColumn<Row>) => number,
): FittedColumn<Row>[] {
  const widest = fitted
    .filter((each) => each.width > least(each))
    .reduce<FittedColumn<Row> | undefined>((a, b) => (a && a.width >= b.width ? a : b), undefined);
  if (totalWidth(fitted) <= room || widest === undefined) return fitted;
  const narrower = fitted.map((each) => (each === widest ? { ...each, width: each.width - 1 } : each));
  return shrink(narrower, room, least);
}

function leastOf<Row>({ column, width }: FittedColumn<Row>): number {
  return column.least === undefined ? width : Math.min(width, column.least);
}

function totalWidth(fitted: readonly { readonly width: number }[]): number {
  return fitted.reduce((sum, { width }) => sum + width, 0) + GAP * Math.max(0, fitted.length - 1);
}
