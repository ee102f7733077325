import type { DueLane } from "../reading/index.ts";
import { openWebhook, webhookKeyFrom } from "../webhook-secret.ts";
import { isAllowedWebhook } from "../webhook-url.ts";

export interface WebhookAccessOptions {
  /** Hosts besides hooks.slack.com that webhooks may be on: `host` or `host:port`. */
  readonly allowedWebhookHosts: readonly string[];
  /** For rollouts without a webhook of their own. */
  readonly defaultWebhook?: string | undefined;
  /** Opens webhooks that are stored encrypted. */
  readonly secretKey?: string | undefined;
}

/** A webhook's URL, or what this server would need to use it. */
export type FoundWebhook = { readonly url: string } | { readonly missing: string };

/** Finds where a rollout's messages go. Servers may be set up differently: what one cannot use, another may. */
export class WebhookAccess {
  readonly #options: WebhookAccessOptions;
  #key: Buffer | undefined;

  constructor(options: WebhookAccessOptions) {
    this.#options = options;
  }

  find({ rolloutId, webhook, webhookIsGone }: DueLane): FoundWebhook {
    if (webhookIsGone) return { missing: "its webhook is no longer stored" };
    const url = webhook ? this.#open(webhook, rolloutId) : this.#options.defaultWebhook;
    if (url === undefined) {
      return webhook
        ? { missing: "its webhook is encrypted: set HYDRA_SECRET_KEY to the key that it was stored with" }
        : { missing: "this server has no webhook: set HYDRA_SLACK_WEBHOOK_URL" };
    }
    // Again: what was allowed when it was stored need not be any more.
    if (isAllowedWebhook(url, this.#options.allowedWebhookHosts)) return { url };
    return { missing: "its host is not allowed: list it in HYDRA_WEBHOOK_ALLOWED_HOSTS" };
  }

  #open(webhook: NonNullable<DueLane["webhook"]>, rolloutId: string): string | undefined {
    try {
      return openWebhook(webhook, rolloutId, webhook.encrypted ? this.#openingKey() : undefined);
    } catch {
      return undefined;
    }
  }

  /** Made when it is needed first: making it takes its time. */
  #openingKey(): Buffer | undefined {
    const { secretKey } = this.#options;
    if (secretKey !== undefined) this.#key ??= webhookKeyFrom(secretKey);
    return this.#key;
  }
}
