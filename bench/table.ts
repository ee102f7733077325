/** A number as a cell of a table. */
export const number = (value: number, digits = 0) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Prints one row of a table in Markdown. */
export const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);

/** Prints the head of a table; the columns after the first `texts` are numbers. */
export function head(texts: number, ...names: readonly string[]): void {
  console.log();
  row(...names);
  row(...names.map((_, index) => (index < texts ? "---" : "---:")));
}
