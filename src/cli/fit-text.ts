import { createRequire } from "node:module";
import type StringWidth from "string-width";

const require = createRequire(import.meta.url);

/** Columns that a text takes; escape sequences of colours take none. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  // Takes long to load, and most texts do not need it.
  const { default: stringWidth } = require("string-width") as { default: typeof StringWidth };
  return stringWidth(text);
}

/** Cuts plain text to a number of columns; control characters, which would move the cursor, become blanks. */
export function fitText(text: string, columns: number, ellipsis: string): string {
  const plain = toPlainText(text);
  if (widthOf(plain) <= columns) return plain;
  if (columns <= 0) return "";
  let fitted = "";
  for (const character of plain) {
    if (widthOf(fitted + character) > columns - 1) break;
    fitted += character;
  }
  return fitted + ellipsis;
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

/** The same text without anything that a terminal would act on. */
export function toPlainText(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

/** Fills up to a number of columns, from the left. */
export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - widthOf(text))) + text;
}
