// Lines at the bottom of a terminal that are drawn over, whatever becomes of its size.
//   P1. The lines of a picture take one row each when they are written: the terminal does not wrap meanwhile.
//   P2. After a change of size, what the old picture takes now is cleared before the new one is drawn: terminals
//       wrap long lines again, push rows out at the top when they get lower, and take them back when they get higher.
//       What stands above the picture stays.
//   P3. Lines that have not changed are not written again, and a picture is one write.

import { stripVTControlCharacters } from "node:util";
import { widthOf } from "../fit-text.ts";

/** Columns and rows of a terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export class Painter {
  readonly #write: (text: string) => void;
  #lines: readonly string[] = [];
  #size: Size = { columns: 0, rows: 0 };
  /** Lines of pictures that may have been pushed out at the top; a higher or wider terminal takes them back. */
  #pushedOut: readonly string[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Draws over what was painted before. Lines that have no room are left out, the last ones first. */
  paint(lines: readonly string[], size: Size): void {
    const shown = lines.slice(0, Math.max(1, size.rows - 1));
    if (this.#isSameSize(size)) this.#repaint(shown);
    else this.#write(frame(this.#back(size) + CLEAR_BELOW + shown.map(row).join("")));
    this.#size = size;
    this.#lines = shown;
  }

  /** Writes lines above the picture: they stay when it changes. */
  insert(lines: readonly string[], size: Size): void {
    const picture = this.#lines;
    this.#write(frame(this.#back(size) + CLEAR_BELOW) + lines.map((line) => `${line}\r\n`).join(""));
    this.#lines = [];
    this.#size = size;
    this.paint(picture, size);
  }

  /** What was painted last stays, and nothing else, such as the `^C` of the terminal; the next picture begins below it. */
  done(): void {
    if (this.#lines.length > 0) this.#write(frame(CLEAR_BELOW));
    this.#lines = [];
    this.#pushedOut = [];
  }

  #isSameSize({ columns, rows }: Size): boolean {
    return columns === this.#size.columns && rows === this.#size.rows;
  }

  #repaint(lines: readonly string[]): void {
    const first = lines.findIndex((line, index) => line !== this.#lines[index]);
    if (first === -1 && lines.length === this.#lines.length) return;
    const from = first === -1 ? lines.length : first;
    const rows = lines.slice(from).map((line, index) => (line === this.#lines[from + index] ? "\n" : row(line)));
    this.#write(frame(up(this.#lines.length - from) + rows.join("") + CLEAR_BELOW));
  }

  /** To the first row of the picture, in a terminal that is `size` now. The cursor stops at the top by itself. */
  #back(size: Size): string {
    const lines = [...this.#pushedOut, ...this.#lines];
    const rows = lines.reduce((sum, line) => sum + rowsOf(line, size.columns), 0);
    // Terminals that wrap lines again leave more of them pushed out than there is need for: all may be out then.
    const wrapped = size.columns !== this.#size.columns;
    const out = wrapped ? lines.length : Math.max(0, rows + 1 - size.rows);
    this.#pushedOut = lines.slice(0, out).slice(-MOST_PUSHED_OUT);
    return up(rows);
  }
}

/** More than any terminal is high. */
const MOST_PUSHED_OUT = 500;
const CLEAR_BELOW = "\u001b[J";
const CLEAR_LINE = "\u001b[2K";
const HIDE_CURSOR = "\u001b[?25l";
/** The terminal shows nothing between the two: no flicker. Those that do not know it ignore it. */
const HOLD = "\u001b[?2026h";
const RELEASE = "\u001b[?2026l";
const NO_WRAP = "\u001b[?7l";
const WRAP = "\u001b[?7h";

/** Undoes what a picture that was cut short may have left: hidden cursor, colours, no wrapping. */
export const RESTORE = `${RELEASE}${WRAP}\u001b[0m\u001b[?25h`;

function frame(text: string): string {
  return `${HOLD}${HIDE_CURSOR}${NO_WRAP}\r${text}\r${WRAP}${RELEASE}`;
}

function row(line: string): string {
  return `${CLEAR_LINE}${line}\r\n`;
}

function up(rows: number): string {
  return rows > 0 ? `\u001b[${rows}A` : "";
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(widthOf(stripVTControlCharacters(line)) / columns));
}
