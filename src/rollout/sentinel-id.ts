import { TerminalError } from "../engine/index.ts";

const SENTINEL_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const LONGEST_SHOWN = 80;

/** Throws a TerminalError of kind `invalid` unless the text can be the id of a sentinel. */
export function checkSentinelId(id: string): void {
  if (SENTINEL_ID.test(id)) return;
  const shown = JSON.stringify(id.length > LONGEST_SHOWN ? `${id.slice(0, LONGEST_SHOWN)}…` : id);
  throw new TerminalError(
    `sentinel id ${shown}: accepted are 1 to 63 of A-Z a-z 0-9 . _ -, the first and the last a letter or digit`,
    "invalid",
  );
}
