import { ArraySplitter } from "./array-splitter.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { RowSplitter, RowText } from "./row-text.ts";

/**
 * The rows in a stream of bytes: one JSON object a line, or the elements of
 * one JSON array. Nothing but the row at hand is held. Bytes that are no UTF-8 stand as `NOT_UTF8` in theirs.
 *
 * @throws CommandError that names the place of the first bad one.
 */
export async function* jsonRows(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RowText, void> {
  let blank = "";
  let splitter: RowSplitter | undefined;
  for await (const text of textOf(bytes)) {
    if (splitter === undefined) {
      blank += text;
      splitter = splitterFor(blank);
      if (splitter) yield* splitter.push(blank);
    } else yield* splitter.push(text);
  }
  if (splitter) yield* splitter.end();
}

/** The first character that is no blank tells which of the two it is; without one, nothing does. */
function splitterFor(text: string): RowSplitter | undefined {
  const first = /\S/.exec(text)?.[0];
  if (first === undefined) return undefined;
  return first === "[" ? new ArraySplitter() : new LineSplitter();
}

async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
