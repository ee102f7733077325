import Table from "cli-table3";
import { fitText, inStyle, widthOf } from "../fit-text.ts";
import type { Style } from "../terminal.ts";
import type { Column } from "./column.ts";
import { type FittedColumn, fitColumns, GAP } from "./fit-columns.ts";

/** No lines at all: columns are told apart by the room between them. */
const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: " ".repeat(GAP),
};

/** The library takes more time for each row the more there are. */
const ROWS_AT_ONCE = 50;

/** A table without lines, drawn a page at a time. Its first page decides on columns and widths. */
export class TableDrawing<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #room: number;
  readonly #style: Style;
  #fitted: FittedColumn<Row>[] | undefined;

  constructor(columns: readonly Column<Row>[], { columns: room, style }: { columns: number; style: Style }) {
    this.#columns = columns;
    this.#room = room;
    this.#style = style;
  }

  /** The lines of these rows, under a head where they are the first ones. */
  draw(rows: readonly Row[]): readonly string[] {
    const head = this.#fitted === undefined;
    this.#fitted ??= fitColumns(this.#columns, this.#naturalWidths(rows), this.#room);
    const titles = this.#fitted.map(({ column, width }) => this.#style.colors.dim(this.#fit(column.title, width)));
    const cells = rows.map((row) => this.#cellsOf(row));
    const all = head ? [titles, ...cells] : cells;
    const lines: string[] = [];
    for (let at = 0; at < all.length; at += ROWS_AT_ONCE)
      lines.push(...this.#linesOf(all.slice(at, at + ROWS_AT_ONCE)));
    return lines;
  }

  #cellsOf(row: Row): string[] {
    return (this.#fitted ?? []).map(({ column, width }) => this.#fit(column.value(row), width, column.cut));
  }

  #fit(text: string, width: number, cut: Column<Row>["cut"] = "end"): string {
    const fit = cut === "end" ? fitText : fitTextEnd;
    return fit(inStyle(text, this.#style), width, this.#style.symbols.ellipsis);
  }

  #linesOf(cells: string[][]): string[] {
    const fitted = this.#fitted ?? [];
    const table = new Table({
      chars: NO_LINES,
      style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
      colWidths: fitted.map(({ width }) => width),
      colAligns: fitted.map(({ column }) => column.align ?? "left"),
    });
    table.push(...cells);
    // Blanks at the end of a line would break it where a terminal is made narrower.
    return table
      .toString()
      .split("\n")
      .map((line) => line.trimEnd());
  }

  #naturalWidths(rows: readonly Row[]): number[] {
    return this.#columns.map(({ title, value }) => {
      return rows.reduce((most, row) => Math.max(most, widthOf(inStyle(value(row), this.#style))), title.length);
    });
  }
}

/** As `fitText`, but it is the end of the text that stays; the text is plain. */
function fitTextEnd(text: string, columns: number, ellipsis: string): string {
  let rest = text;
  if (widthOf(rest) <= columns) return rest;
  while (rest !== "" && widthOf(rest) >= columns) rest = Array.from(rest).slice(1).join("");
  return ellipsis + rest;
}
