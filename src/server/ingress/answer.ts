import { RETRY_AFTER } from "../connect-errors.ts";
import { INVOCATION_ID } from "../invocations.ts";
import type { Answer } from "../send.ts";
import type { IngressFailure } from "./failure.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** A document of the ingress's own. */
export function jsonAnswer(status: number, document: object, headers?: Record<string, string>): Answer {
  return { status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(document) };
}

/** What a handler has answered. `expiresAt`: until when that is kept, where it had ended before this caller came. */
export function outputAnswer(invocationId: string | undefined, output: string, expiresAt?: Date): Answer {
  return { status: 200, headers: { ...JSON_TYPE, ...named(invocationId), ...expiry(expiresAt) }, body: output };
}

/** A refusal or failure in its envelope. */
export function failureAnswer(failure: IngressFailure, expiresAt?: Date): Answer {
  const { status, message, source, invocationId, retryAfter } = failure;
  return jsonAnswer(
    status,
    { code: status, message, source },
    {
      "x-restate-error-source": source,
      ...(retryAfter === undefined ? {} : { [RETRY_AFTER]: retryAfter }),
      ...named(invocationId),
      ...expiry(expiresAt),
    },
  );
}

function named(invocationId: string | undefined): Record<string, string> {
  return invocationId === undefined ? {} : { [INVOCATION_ID]: invocationId };
}

function expiry(at: Date | undefined): Record<string, string> {
  return at ? { "idempotency-expires": at.toISOString().replace("Z", "+00:00") } : {};
}
