import { TerminalError } from "./errors.ts";
import type { Completion } from "./journal.ts";

export type Decode<T> = (text: string) => T;

/** The value of something that was completed; throws where it failed. */
export function decodeCompletion<T>(completion: Completion, decode: Decode<T>): T {
  if (!completion.ok) throw new TerminalError(completion.message, completion.kind);
  return decode(completion.value);
}
