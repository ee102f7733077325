import type { ResponseContext } from "@kubernetes/client-node";
import { KubeError } from "../kube-client.ts";

/** Trouble of one try, and whether another may end better. */
export interface Trouble {
  readonly error: KubeError;
  readonly again: boolean;
  /** When the API server wants to be asked again, in ms from now; undefined: it did not say. */
  readonly afterMs?: number | undefined;
}

interface Status {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: KubeError["causes"]; readonly retryAfterSeconds?: number };
}

/** What the API server did not grant, in its own words. */
export async function refusalOf(answer: ResponseContext): Promise<Trouble> {
  const { httpStatusCode: code, headers } = answer;
  const status = statusIn(await answer.body.text());
  const message = status.message ?? `the API server answered with HTTP ${code}`;
  const error = new KubeError(message, code, status.reason ?? "", status.details?.causes ?? []);
  const seconds = Number(headers["retry-after"] ?? status.details?.retryAfterSeconds ?? Number.NaN);
  return {
    error,
    again: code === 429 || (code >= 500 && code !== 501),
    afterMs: seconds >= 0 ? seconds * 1_000 : undefined,
  };
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

const CERTIFICATE = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/** A request to which nobody answered. */
export function silenceOf(error: unknown, origin: string): Trouble {
  const { code = "", message } = rootOf(error);
  if (CERTIFICATE.test(code)) {
    const words =
      `the certificate of the API server at ${origin} does not verify: ${message}; ` +
      "the certificate authority of its kubeconfig has to be the one that signed it";
    return { error: new KubeError(words, 0, "Certificate"), again: false };
  }
  const timedOut = (error as Error).name === "TimeoutError";
  const words = `the API server of the cluster at ${origin} does not answer: ${message}`;
  return { error: new KubeError(words, 0, timedOut ? "Timeout" : "Unreachable"), again: true };
}

/** The error at the bottom: `fetch failed` alone says nothing. */
function rootOf(error: unknown): { code?: string; message: string } {
  const { cause, errors } = error as { cause?: unknown; errors?: unknown[] };
  const below = cause ?? errors?.[0];
  if (below instanceof Error) return rootOf(below);
  // Its message quotes what came, and nobody knows what that is.
  if (error instanceof SyntaxError) return { message: "what answered speaks no JSON" };
  return error as { code?: string; message: string };
}
