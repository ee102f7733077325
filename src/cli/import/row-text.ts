import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";
import { toPlainText } from "../fit-text.ts";

/** The text of one row, and how a person finds it: `line 17` or `element 17`. */
export interface RowText {
  readonly place: string;
  readonly text: string;
}

/** Takes text as it comes and gives the rows in it. Both methods throw a CommandError. */
export interface RowSplitter {
  push(text: string): Iterable<RowText>;
  /** The text is over. */
  end(): Iterable<RowText>;
}

/** Longer than any sentinel, in characters: a row that does not end would be held whole. */
export const LONGEST_ROW = 256 * 1024;

/** What bytes that are no UTF-8 are read as: they come this far, so that their row can be named. */
export const NOT_UTF8 = "\ufffd";

/** What is wrong with the row at a place; the problem may quote what is there. */
export function badRow(place: string, problem: string): CommandError {
  const sentence = /[.?]$/.test(problem) ? problem : `${problem}.`;
  return new CommandError(toPlainText(`${place}: ${sentence} Nothing was imported.`), ExitCode.ERROR);
}
