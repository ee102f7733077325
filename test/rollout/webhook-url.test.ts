import { expect, test } from "vitest";
import { checkWebhookUrl } from "../../src/rollout/webhook-url.ts";

test.each([
  ["https://hooks.slack.com/services/T0/B0/secret", []],
  ["https://HOOKS.SLACK.COM/services/T0/B0/secret", []],
  ["http://127.0.0.1:9000/hook", ["127.0.0.1:9000"]],
  ["https://chat.example.com/hook", ["chat.example.com"]],
  ["http://chat.example.com:8080/hook", ["chat.example.com"]],
  ["https://chat.example.com/hook", ["Chat.Example.com:443"]],
  ["http://[::1]:9000/hook", ["[::1]:9000"]],
])("%s with %j allowed: accepted", (url, allowed) => {
  expect(() => checkWebhookUrl(url, allowed)).not.toThrow();
});

test.each([
  ["http://hooks.slack.com/services/T0/B0/secret", []],
  ["https://hooks.slack.com:8443/services/T0/B0/secret", []],
  ["https://hooks.slack.com.evil.test/secret", []],
  ["https://hooks.slack.com@evil.test/secret", []],
  ["https://user:secret@hooks.slack.com/services", []],
  ["http://127.0.0.1:9001/secret", ["127.0.0.1:9000"]],
  ["http://127.0.0.1/secret", ["127.0.0.1:9000"]],
  ["ftp://chat.example.com/secret", ["chat.example.com"]],
  ["secret", []],
  ["https://hooks.slack.com/secret here", []],
  ["https://hooks.slack.com/\nsecret", []],
  [`https://hooks.slack.com/secret${"x".repeat(3_000)}`, []],
])("%j with %j allowed: refused as invalid without showing any of it", (url, allowed) => {
  const check = () => checkWebhookUrl(url, allowed);
  expect(check).toThrow(expect.objectContaining({ kind: "invalid" }));
  expect(check).toThrow(/^slack_webhook_url: /);
  expect(check).not.toThrow("secret");
});
