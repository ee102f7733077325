import http from "node:http";
import https from "node:https";
import { failureOfAnswer, failureOfError } from "./failure-text.ts";
import { retryAfterMs } from "./retry-after.ts";

// Not `fetch`: that does not tell whether the connection was made, and so
// whether the webhook may have the message; it also reuses connections, and one
// that the other side has just closed looks like an answer that was lost.

/** How one request ended. Failures are for a person and never show the URL (W6). */
export type PostResult =
  /** The webhook took it. */
  | { readonly outcome: "sent" }
  /** It surely did not; `retryAfterMs`: it asked for this pause. */
  | { readonly outcome: "untaken"; readonly failure: string; readonly retryAfterMs?: number | undefined }
  /** The request may have arrived, and no answer came. */
  | { readonly outcome: "lost"; readonly failure: string }
  /** It did not, and never will. */
  | { readonly outcome: "refused"; readonly failure: string };

export interface PostOptions {
  /** For the whole exchange, in milliseconds. */
  readonly answerMs: number;
  /** Ends the exchange. */
  readonly signal: AbortSignal;
}

/** What is read of an answer. */
const MOST_BYTES = 1_024;

/** Posts JSON, follows no redirect, never rejects. */
export function postToWebhook(url: string, body: string, { answerMs, signal }: PostOptions): Promise<PostResult> {
  const timeout = AbortSignal.timeout(answerMs);
  const secure = url.startsWith("https:");
  return new Promise((resolve) => {
    let connected = false;
    const fail = (error?: Error) => {
      const failure = failureOfError(error, { stopped: signal.aborted, timedOut: timeout.aborted });
      resolve({ outcome: connected ? "lost" : "untaken", failure });
    };
    const request = (secure ? https : http).request(url, {
      method: "POST",
      agent: false,
      signal: AbortSignal.any([timeout, signal]),
      headers: { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) },
    });
    request.once("socket", (socket) => socket.once(secure ? "secureConnect" : "connect", () => (connected = true)));
    request.on("error", fail);
    request.once("response", (response) => resolve(judge(response, url)));
    request.once("close", () => fail());
    request.end(body);
  });
}

async function judge(response: http.IncomingMessage, url: string): Promise<PostResult> {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    response.destroy();
    return { outcome: "sent" };
  }
  const failure = failureOfAnswer(status, await readStart(response), url);
  if (status !== 429 && status < 500) return { outcome: "refused", failure };
  return { outcome: "untaken", failure, retryAfterMs: retryAfterMs(response.headers["retry-after"], Date.now()) };
}

async function readStart(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, MOST_BYTES - size));
      size += chunk.length;
      if (size >= MOST_BYTES) break;
    }
  } catch {
    // Its status is known; what it said is not worth a failure.
  }
  return Buffer.concat(chunks).toString();
}
