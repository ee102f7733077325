// What a section prints is kept as well: `--json` writes it, in full precision.

/** A number as it is printed; as JSON it is whole. */
export class Figure {
  readonly value: number;
  readonly #digits: number;

  constructor(value: number, digits: number) {
    this.value = value;
    this.#digits = digits;
  }

  toString(): string {
    const fractionDigits = { minimumFractionDigits: this.#digits, maximumFractionDigits: this.#digits };
    return this.value.toLocaleString("en", fractionDigits);
  }

  toJSON(): number {
    return this.value;
  }
}

type Cell = string | Figure;

/** What a section has printed, in its order. */
export type Printed =
  | { readonly columns: readonly string[]; readonly rows: Cell[][] }
  | { readonly sentence: string; readonly figures: readonly Figure[] };

const printed: Printed[] = [];

/** A number as a cell of a table, or in a sentence. */
export const number = (value: number, digits = 0) => new Figure(value, digits);

/** Prints the head of a table; the columns after the first `texts` are numbers. */
export function head(texts: number, ...columns: readonly string[]): void {
  console.log();
  print(columns);
  print(columns.map((_, index) => (index < texts ? "---" : "---:")));
  printed.push({ columns, rows: [] });
}

/** Prints one row of the table whose head was printed last, in Markdown. */
export function row(...cells: readonly Cell[]): void {
  print(cells);
  const table = printed.findLast((each) => "rows" in each);
  if (table === undefined) throw new Error("a row needs the head of a table before it");
  table.rows.push([...cells]);
}

/** Prints a sentence, which may have figures in it. */
export function say(...parts: readonly Cell[]): void {
  const sentence = parts.join("");
  console.log(`\n${sentence}`);
  printed.push({ sentence, figures: parts.filter((part) => part instanceof Figure) });
}

/** All that was printed since the last call. */
export function takePrinted(): Printed[] {
  return printed.splice(0);
}

function print(cells: readonly Cell[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}
