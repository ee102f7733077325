import type { WatchOptions } from "./connect.ts";
import type { Credentials } from "./credentials.ts";
import { exchange, silent } from "./exchange.ts";

/** What a watch tells of an object; `object` as the API server has it, a Status for `ERROR`. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

/**
 * The library's own watch cannot be stopped while it connects, drops the API
 * server's words, and swallows what its callback throws (its watch.js).
 */
export async function* watchStream(
  credentials: Credentials,
  path: string,
  { query, signal, silenceMs }: WatchOptions,
): AsyncGenerator<WatchEvent> {
  const silence = new AbortController();
  const dead = new DOMException(`no sign of life for ${silenceMs} ms`, "TimeoutError");
  const timer = setTimeout(() => silence.abort(dead), silenceMs);
  const request = {
    method: "GET",
    path,
    query: { ...query, watch: "true" },
    signal: AbortSignal.any([signal, silence.signal]),
  } as const;
  try {
    const opened = await exchange(credentials, request, async ({ body }, access) => ({ body: body.stream(), access }));
    if ("trouble" in opened) throw opened.trouble.error;
    const { body, access } = opened.value;
    try {
      for await (const line of linesOf(body)) {
        timer.refresh();
        yield JSON.parse(line) as WatchEvent;
      }
    } catch (error) {
      throw silent(credentials, access, error).error;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** The API server itself takes no object that is larger than a few of these. */
const LONGEST_LINE = 32 * 2 ** 20;

async function* linesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let begun = "";
  for await (const bytes of body ?? []) {
    const lines = (begun + decoder.decode(bytes, { stream: true })).split("\n");
    begun = lines.pop() ?? "";
    if (begun.length > LONGEST_LINE) throw new RangeError("what a watch tells has no end");
    yield* lines;
  }
}
