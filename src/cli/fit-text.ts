import { createRequire } from "node:module";
import type StringWidth from "string-width";
import type { Style } from "./terminal.ts";

const require = createRequire(import.meta.url);

/** Columns that a text takes; escape sequences of colours take none. */
export function widthOf(text: string): number {
  // What bars are made of is one column wide, as are all of ASCII.
  if (/^[\x20-\x7e█▒░×─·…]*$/.test(text)) return text.length;
  // Takes long to load, and most texts do not need it.
  const { default: stringWidth } = require("string-width") as { default: typeof StringWidth };
  return stringWidth(text);
}

/** The longest thing that shows as one column: a letter with accents over it. Nobody needs more of them. */
const MOST_UNITS_PER_COLUMN = 8;

/** Cuts plain text to a number of columns; control characters, which would move the cursor, become blanks. */
export function fitText(text: string, columns: number, ellipsis: string): string {
  if (columns <= 0) return "";
  const plain = toPlainText(text.slice(0, columns * MOST_UNITS_PER_COLUMN + 1));
  if (widthOf(plain) <= columns) return plain;
  let fitted = "";
  for (const character of plain) {
    if (widthOf(fitted + character) > columns - 1) break;
    fitted += character;
  }
  return fitted + ellipsis;
}

/** A text of somebody else's, made fit for a terminal of a style: cut, harmless, and ASCII where nothing else shows. */
export function showText(text: string, columns: number, style: Style): string {
  return fitText(inStyle(text, style), columns, style.symbols.ellipsis);
}

/** The same without the cut. */
export function inStyle(text: string, { unicode }: Pick<Style, "unicode">): string {
  const plain = toPlainText(text);
  return unicode ? plain : plain.replace(/[^\x20-\x7e]/gu, "?");
}

/** Breaks a paragraph into lines of at most so many columns, between words. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The same text without anything that a terminal would act on: control characters, and those that turn the direction. */
export function toPlainText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** Fills up to a number of columns, from the left. */
export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - widthOf(text))) + text;
}
