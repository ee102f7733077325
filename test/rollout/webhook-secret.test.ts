import { expect, test } from "vitest";
import { openWebhook, sealWebhook, webhookKeyFrom } from "../../src/rollout/webhook-secret.ts";

const URL = "https://hooks.slack.com/services/T0/B0/secret";
const key = webhookKeyFrom("a secret of sixteen");

test("with a key: only the key of the same rollout opens it", () => {
  const sealed = sealWebhook(URL, "rol_1", key);
  expect(sealed.encrypted).toBe(true);
  expect(sealed.bytes.includes("slack")).toBe(false);
  expect(openWebhook(sealed, "rol_1", key)).toBe(URL);
  expect(() => openWebhook(sealed, "rol_2", key)).toThrow("unable to authenticate data");
  expect(() => openWebhook(sealed, "rol_1", webhookKeyFrom("another secret of sixteen"))).toThrow(
    "unable to authenticate data",
  );
  expect(() => openWebhook(sealed, "rol_1", undefined)).toThrow("HYDRA_SECRET_KEY");
});

test("sealed twice: the same URL looks different", () => {
  expect(sealWebhook(URL, "rol_1", key).bytes.equals(sealWebhook(URL, "rol_1", key).bytes)).toBe(false);
});

test("a bit was changed: does not open", () => {
  const sealed = sealWebhook(URL, "rol_1", key);
  sealed.bytes.writeUInt8(sealed.bytes.readUInt8(30) ^ 1, 30);
  expect(() => openWebhook(sealed, "rol_1", key)).toThrow("unable to authenticate data");
});

test("without a key: stored as it is", () => {
  const sealed = sealWebhook(URL, "rol_1", undefined);
  expect(sealed.encrypted).toBe(false);
  expect(openWebhook(sealed, "rol_1", undefined)).toBe(URL);
});
