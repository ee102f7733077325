import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";
import { ArraySplitter } from "./array-splitter.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { RowSplitter, RowText } from "./row-text.ts";

/**
 * The rows in a stream of bytes: one JSON object a line, or the elements of
 * one JSON array. Nothing but the row at hand is held.
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
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk: Uint8Array | undefined): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      throw new CommandError("what is to be imported is not UTF-8 text. Nothing was imported.", ExitCode.ERROR, {
        cause: error,
      });
    }
  };
  for await (const chunk of bytes) yield decode(chunk);
  yield decode(undefined);
}
