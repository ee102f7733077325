import { badRow, LONGEST_ROW, type RowSplitter, type RowText } from "./row-text.ts";

/** One row a line; empty lines are passed over. */
export class LineSplitter implements RowSplitter {
  /** Of a line that has not ended. */
  #begun = "";
  #line = 0;

  *push(text: string): Generator<RowText> {
    const lines = (this.#begun + text).split("\n");
    this.#begun = lines.pop() ?? "";
    for (const line of lines) yield* this.#take(line);
    if (this.#begun.length > LONGEST_ROW) throw tooLong(this.#line + 1);
  }

  *end(): Generator<RowText> {
    yield* this.#take(this.#begun);
  }

  *#take(line: string): Generator<RowText> {
    this.#line += 1;
    if (line.length > LONGEST_ROW) throw tooLong(this.#line);
    if (line.trim() !== "") yield { place: `line ${this.#line}`, text: line };
  }
}

function tooLong(line: number): Error {
  return badRow(`line ${line}`, `it has more than ${LONGEST_ROW} characters, and no sentinel has so many`);
}
