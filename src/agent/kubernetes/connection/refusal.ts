import type { ResponseContext } from "@kubernetes/client-node";
import { KubeError } from "../kube-client.ts";
import { boundedText } from "./bounded-text.ts";

/** Trouble of one try, and whether another may end better. */
export interface Trouble {
  readonly error: KubeError;
  readonly again: boolean;
}

/** More is cut off: it ends up in logs, reports and on screens. */
const LONGEST_MESSAGE = 2_000;
/** A refusal is never as long; what a proxy answers may be. */
const LONGEST_REFUSAL = 1_000_000;

interface Status {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: KubeError["causes"]; readonly retryAfterSeconds?: number };
}

/** What the API server did not grant, in its own words. */
export async function refusalOf(answer: ResponseContext): Promise<Trouble> {
  const { httpStatusCode: code, headers } = answer;
  const status = statusIn(await boundedText(answer.body.stream(), LONGEST_REFUSAL).catch(() => ""));
  const message = messageOf(status.message ?? "", code);
  const afterMs = retryAfterMs(headers["retry-after"] ?? String(status.details?.retryAfterSeconds ?? ""));
  return {
    error: new KubeError(message, code, status.reason ?? "", status.details?.causes ?? [], afterMs),
    again: code === 429 || (code >= 500 && code !== 501),
  };
}

function messageOf(words: string, code: number): string {
  if (words === "") return `the API server answered with HTTP ${code}`;
  const message = words.length > LONGEST_MESSAGE ? `${words.slice(0, LONGEST_MESSAGE)}…` : words;
  // Its own word, Unauthorized, does not tell from 403 what is missing.
  return code === 401 ? `the API server does not accept the agent's credentials: ${message}` : message;
}

/** Seconds, or a date. */
function retryAfterMs(text: string): number | undefined {
  if (text === "") return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return ms >= 0 ? ms : undefined;
}

/** Whatever else is answered, by a proxy say, is not repeated: nobody knows what is in it. */
function statusIn(text: string): Status {
  try {
    const body = JSON.parse(text) as Status | null;
    return body?.kind === "Status" ? body : {};
  } catch {
    return {};
  }
}

const OPENSSL = /OSSL/;
const CERTIFICATE = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/** A request to which nobody answered, or not in a way that says anything. */
export function silenceOf(error: unknown, origin: string): Trouble {
  if (error instanceof SyntaxError || error instanceof RangeError) return nonsense(error, origin);
  const { code = "", message } = rootOf(error);
  if (CERTIFICATE.test(code)) {
    const words =
      `the certificate of the API server at ${origin} does not verify: ${message}; ` +
      "the certificate authority of its kubeconfig has to be the one that signed it";
    return { error: new KubeError(words, 0, "Certificate"), again: false };
  }
  if (OPENSSL.test(code)) {
    const words = `the certificate or the key of the kubeconfig cannot be used: ${message}`;
    return { error: new KubeError(words, 0, "Credentials"), again: false };
  }
  const timedOut = (error as Error).name === "TimeoutError";
  const words = `the API server of the cluster at ${origin} does not answer: ${message}`;
  return { error: new KubeError(words, 0, timedOut ? "Timeout" : "Unreachable"), again: true };
}

/** A parser's message quotes what came, and nobody knows what that is. */
function nonsense(error: SyntaxError | RangeError, origin: string): Trouble {
  const words = error instanceof RangeError ? error.message : "it is no JSON";
  const message = `what answers at ${origin} is not to be understood, is it an API server? ${words}`;
  return { error: new KubeError(message, 0, "Unreachable"), again: error instanceof SyntaxError };
}

/** The error at the bottom: `fetch failed` alone says nothing. */
function rootOf(error: unknown): { code?: string; message: string } {
  const { cause, errors } = error as { cause?: unknown; errors?: unknown[] };
  const below = cause ?? errors?.[0];
  if (below instanceof Error) return rootOf(below);
  return error as { code?: string; message: string };
}
