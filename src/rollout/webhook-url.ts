import { TerminalError } from "../engine/index.ts";

const SLACK_HOST = "hooks.slack.com";
const LONGEST_URL = 2048;

/**
 * Throws a TerminalError of kind `invalid` unless a webhook may be posted to:
 * https://hooks.slack.com, or http or https on one of the hosts allowed
 * (`host` or `host:port`). The URL is a secret, so no message shows any of it;
 * `name` is what the caller knows it by.
 */
export function checkWebhookUrl(text: string, allowedHosts: readonly string[], name = "slack_webhook_url"): void {
  const problem = problemOf(text, allowedHosts);
  if (problem === undefined) return;
  throw new TerminalError(
    `${name}: ${problem}; accepted are https://${SLACK_HOST}/… and hosts listed in HYDRA_WEBHOOK_ALLOWED_HOSTS`,
    "invalid",
  );
}

/** Whether `checkWebhookUrl` would accept it. */
export function isAllowedWebhook(text: string, allowedHosts: readonly string[]): boolean {
  return problemOf(text, allowedHosts) === undefined;
}

function problemOf(text: string, allowedHosts: readonly string[]): string | undefined {
  const url = parse(text);
  if (!url) return "it is not a URL";
  if (url.username !== "" || url.password !== "") return "it must not have a user name or password";
  if (url.protocol === "https:" && url.hostname === SLACK_HOST && url.port === "") return undefined;
  const isHttp = url.protocol === "https:" || url.protocol === "http:";
  if (!isHttp || !allowedHosts.some((host) => matches(url, host))) return "its scheme or host is not allowed";
  return undefined;
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
