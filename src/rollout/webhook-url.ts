import { TerminalError } from "../engine/index.ts";

const SLACK_HOST = "hooks.slack.com";
const LONGEST_URL = 2048;

/**
 * Throws a TerminalError of kind `invalid` unless a webhook may be posted to:
 * https://hooks.slack.com, or http or https on one of the hosts allowed
 * (`host` or `host:port`). The URL is a secret, so no message shows any of it.
 */
export function checkWebhookUrl(text: string, allowedHosts: readonly string[]): void {
  const url = parse(text);
  if (!url) throw refuse("it is not a URL");
  if (url.username !== "" || url.password !== "") throw refuse("it must not have a user name or password");
  if (url.protocol === "https:" && url.hostname === SLACK_HOST && url.port === "") return;
  const isHttp = url.protocol === "https:" || url.protocol === "http:";
  if (!isHttp || !allowedHosts.some((host) => matches(url, host))) throw refuse("its scheme or host is not allowed");
}

function parse(text: string): URL | undefined {
  // The parser drops blanks and line breaks without a word.
  // oxlint-disable-next-line no-control-regex
  if (text.length > LONGEST_URL || /[\s\u0000-\u001f]/.test(text)) return undefined;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function matches(url: URL, allowed: string): boolean {
  const port = /:(\d+)$/.exec(allowed)?.[1];
  const host = port === undefined ? allowed : allowed.slice(0, -port.length - 1);
  const defaultPort = url.protocol === "https:" ? "443" : "80";
  return url.hostname === host.toLowerCase() && (port === undefined || port === (url.port || defaultPort));
}

function refuse(why: string): TerminalError {
  return new TerminalError(
    `slack_webhook_url: ${why}; accepted are https://${SLACK_HOST}/… and hosts listed in HYDRA_WEBHOOK_ALLOWED_HOSTS`,
    "invalid",
  );
}
