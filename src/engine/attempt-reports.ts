import type { EngineLog } from "./api.ts";
import type { Attempt } from "./attempt.ts";
import type { EngineObserver } from "./observer.ts";

/** Who hears of attempts that come to no end. */
interface Listeners {
  readonly log: EngineLog;
  readonly observer: EngineObserver;
}

/** An attempt failed and is repeated. `failures`: in a row, this one included. */
export function reportFailure(
  { log, observer }: Listeners,
  attempt: Attempt,
  error: unknown,
  repeat: { readonly failures: number; readonly delayMs: number },
): void {
  log.warn({ err: error, ...repeat, ...describe(attempt) }, "an attempt failed and is repeated");
  observer.attemptFailed();
}

export function reportParking({ log, observer }: Listeners, attempt: Attempt, error: unknown): void {
  log.error({ err: error, ...describe(attempt) }, "an invocation waits for an operator");
  observer.invocationParked();
}

export function reportPause({ log }: Listeners, attempt: Attempt): void {
  log.info(describe(attempt), "an invocation is paused");
}

function describe({ invocation }: Attempt): object {
  const { id, service, key, handler, requestId } = invocation;
  return { invocation: id, handler: `${service}/${handler}`, key, requestId };
}
