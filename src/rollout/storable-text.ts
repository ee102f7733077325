/** A text from outside, for a person, as Postgres can store it: without NUL, and not longer than said. */
export function storableText(text: string, longest: number): string {
  const clean = text.replaceAll("\0", "");
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean;
}
