import { createHydraClient, type HydraClient, type TokenSource } from "../client/index.ts";
import { answeredWithin } from "./answer-deadline.ts";
import type { Terminal } from "./terminal.ts";
import { withQuickWatch } from "./watching/watch-reader.ts";

/** The slowest answers to a question, a page of many rows, take a fraction of a second. */
const ANSWER_WITHIN_MS = 15_000;

/** What every command of an operator is given. */
export interface Session {
  readonly client: HydraClient;
  readonly terminal: Terminal;
  /** One JSON object a line instead of words and bars. */
  readonly json: boolean;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Told how to add a line of one's own to each display, as it begins. */
  readonly onDisplay?: (note: (line: string) => void) => void;
}

export interface SessionOptions {
  url: string;
  token?: TokenSource | undefined;
  authority?: string | undefined;
  json?: boolean | undefined;
}

/** Connects to nothing yet: the first call does. */
export function createSession(
  { url, token, authority, json = false }: SessionOptions,
  surroundings: Pick<Session, "terminal" | "interrupted" | "onDisplay">,
): Session {
  const interceptors = [answeredWithin(ANSWER_WITHIN_MS)];
  const known = { ...(token === undefined ? {} : { token }), ...(authority === undefined ? {} : { authority }) };
  const client = createHydraClient({ baseUrl: url, interceptors, ...known });
  return { ...surroundings, client: withQuickWatch(client, { url, token, authority }), json };
}
