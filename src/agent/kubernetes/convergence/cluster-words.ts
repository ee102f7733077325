const LONGEST = 300;

/** What a cluster says, in one line that fits into a sentence. */
export function inOneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

/** `reason: message`, or what of it there is. */
export function reasonAndMessage({ reason, message }: { readonly reason: string; readonly message: string }): string {
  return [reason, inOneLine(message)].filter((text) => text !== "").join(": ");
}
