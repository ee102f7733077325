import { badRow, LONGEST_ROW, type RowSplitter, type RowText } from "./row-text.ts";

/**
 * The elements of one JSON array, as text. It looks only for where each of
 * them ends; what is in it is for JSON.parse to judge.
 */
export class ArraySplitter implements RowSplitter {
  /** Of an element that has not ended; after the array, what follows it. */
  #begun = "";
  #elements = 0;
  /** Brackets open, the array's own included. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #ended = false;

  *push(text: string): Generator<RowText> {
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      const character = text.charAt(index);
      const found = this.#see(character);
      if (found === "end") yield* this.#take(this.#begun + text.slice(start, index), character);
      if (found === undefined) continue;
      this.#begun = "";
      start = index + 1;
    }
    this.#begun += text.slice(start);
    if (this.#ended) this.#refuseMore();
    this.#checkLength(this.#begun);
  }

  end(): readonly RowText[] {
    if (!this.#ended) throw this.#bad("the array has no end: the text is cut off", 1);
    return [];
  }

  /** Says where the array, or an element of it, begins or ends. */
  #see(character: string): "begin" | "end" | undefined {
    if (this.#ended) return undefined;
    if (this.#inString) return this.#seeInString(character);
    switch (character) {
      case '"':
        this.#inString = true;
        return undefined;
      case "[":
      case "{":
        this.#depth += 1;
        return this.#depth === 1 ? "begin" : undefined;
      case "]":
      case "}":
        this.#depth -= 1;
        this.#ended = this.#depth === 0;
        return this.#ended ? "end" : undefined;
      default:
        return character === "," && this.#depth === 1 ? "end" : undefined;
    }
  }

  #seeInString(character: string): undefined {
    if (this.#escaped) this.#escaped = false;
    else if (character === "\\") this.#escaped = true;
    else if (character === '"') this.#inString = false;
  }

  *#take(text: string, endedBy: string): Generator<RowText> {
    if (endedBy === "}") throw this.#bad("there is a } too many", 1);
    const nothing = text.trim() === "";
    if (nothing && endedBy === "]" && this.#elements === 0) return;
    if (nothing) throw this.#bad("there is nothing before a comma or after the last one", 1);
    this.#checkLength(text);
    this.#elements += 1;
    yield { place: `element ${this.#elements}`, text };
  }

  #checkLength(text: string): void {
    if (text.length > LONGEST_ROW) throw this.#bad(`it has more than ${LONGEST_ROW} characters`, 1);
  }

  #refuseMore(): void {
    if (this.#begun.trim() !== "") throw this.#bad("there is more text after the end of the array", 0);
    this.#begun = "";
  }

  /** Something wrong `ahead` elements after the last one that was whole. */
  #bad(problem: string, ahead: 0 | 1): Error {
    return badRow(`${ahead === 0 ? "after element" : "element"} ${this.#elements + ahead}`, problem);
  }
}
