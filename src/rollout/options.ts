import type { RolloutObserver } from "./observer.ts";

/** Where the domain's log lines go; pino's loggers fit. */
export interface RolloutLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RolloutOptions {
  /** A deploy that has not converged this long after its configuration was written fails. Milliseconds. */
  readonly deployTimeoutMs: number;
  /** Hosts besides hooks.slack.com that webhooks may be on: `host` or `host:port`. */
  readonly allowedWebhookHosts: readonly string[];
  /** The server has a webhook for rollouts without one of their own. */
  readonly hasDefaultWebhook: boolean;
  /** Webhook URLs are encrypted with it. Unset: they are stored as they are. */
  readonly secretKey?: string | undefined;
  readonly log: RolloutLog;
  /** Default: nobody looks. */
  readonly observer?: RolloutObserver;
}

/** Throws where an option cannot work: found at the start, not in the middle of a rollout. */
export function checkRolloutOptions({ deployTimeoutMs }: RolloutOptions): void {
  if (!Number.isSafeInteger(deployTimeoutMs) || deployTimeoutMs <= 0) {
    throw new Error(`the deploy timeout must be a whole number of milliseconds above 0, not ${deployTimeoutMs}`);
  }
}
