// Text of others in a message. Slack reads its own markup in text: mentions
// (<!channel>), links, emphasis. What is not ours stands in a code span, where
// all of that is plain text.

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Controls, invisible characters that turn text around or hide it, line ends and other blanks. */
const BLANKS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;

/**
 * Text of others as a code span of at most `limit` characters, its marks not
 * counted; what is longer ends in an ellipsis. Empty: an empty text.
 */
export function quote(text: string, limit: number): string {
  const line = text.toWellFormed().replace(BLANKS, " ").replaceAll("`", "'").trim();
  return line === "" ? "" : `\`${clip(line, limit)}\``;
}

/** The three characters that begin markup. */
export function escape(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
}

/** Escaped text of at most `limit` characters, never cut within an entity or a pair of surrogates. */
function clip(text: string, limit: number): string {
  let escaped = "";
  let withRoom = "";
  for (const character of text) {
    escaped += escape(character);
    if (escaped.length > limit) return `${withRoom}…`;
    if (escaped.length < limit) withRoom = escaped;
  }
  return escaped;
}
