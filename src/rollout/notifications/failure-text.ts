import { STATUS_CODES } from "node:http";

// Why a try failed, in words that cannot have the URL in them (W6): errors of
// the network are told by their code, and of an answer only what is no echo.

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ENOTFOUND: "its host name is not known to DNS",
  EAI_AGAIN: "DNS did not answer for its host name",
  EHOSTUNREACH: "its host cannot be reached",
  ENETUNREACH: "its network cannot be reached",
  ECONNRESET: "the connection was cut before an answer came",
  EPIPE: "the connection was cut before an answer came",
};

const LONGEST_EXCERPT = 200;
/** A part of the URL that is as short as this is no secret. */
const SHORT = 2;
/** Two texts that have so many characters in a row in common are no coincidence. */
const COMMON = 8;

/** Of a request without an answer. */
export function failureOfError(
  error: NodeJS.ErrnoException | undefined,
  { stopped, timedOut }: { stopped: boolean; timedOut: boolean },
): string {
  if (stopped) return "the server stopped before an answer came";
  if (timedOut) return "no answer came in time";
  const code = error?.code;
  if (code === undefined || !/^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return "the connection was cut before an answer came";
  return WORDS[code] ?? `the connection failed (${code})`;
}

/** Of an answer that is no success. */
export function failureOfAnswer(status: number, body: string, url: string): string {
  const meaning = STATUS_CODES[status];
  const excerpt = excerptOf(body, url);
  return `it answered ${status}${meaning === undefined ? "" : ` ${meaning}`}${excerpt === "" ? "" : `: ${excerpt}`}`;
}

/** The first characters of a plain text; nothing of one that is more than words, or that repeats a part of the URL. */
function excerptOf(body: string, url: string): string {
  const text = body.trim().slice(0, LONGEST_EXCERPT);
  return /^[\w .,:;!?'()-]+$/.test(text) && !repeats(text.toLowerCase(), url) ? text : "";
}

function repeats(text: string, url: string): boolean {
  return secretsOf(url).some((secret) => {
    if (secret.length <= COMMON) return text.includes(secret);
    const starts = Array.from({ length: secret.length - COMMON + 1 }, (_, start) => start);
    return starts.some((start) => text.includes(secret.slice(start, start + COMMON)));
  });
}

function secretsOf(url: string): string[] {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`
    .split(/[/?&=]/)
    .flatMap((part) => [part, decoded(part)])
    .filter((part) => part.length > SHORT)
    .map((part) => part.toLowerCase());
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
