import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";

// A webhook URL as its table has it: nonce, tag and ciphertext of AES-256-GCM,
// bound to its rollout; without a key the plain text.

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const KEY_BYTES = 32;

/** The key that an operator's secret stands for. Takes a good part of a tenth of a second: once at the start. */
export function webhookKeyFrom(secret: string): Buffer {
  return scryptSync(secret, "hydra webhooks", KEY_BYTES);
}

export interface SealedWebhook {
  readonly bytes: Buffer;
  readonly encrypted: boolean;
}

export function sealWebhook(url: string, rolloutId: string, key: Uint8Array | undefined): SealedWebhook {
  if (!key) return { bytes: Buffer.from(url), encrypted: false };
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(rolloutId));
  const text = Buffer.concat([cipher.update(url, "utf8"), cipher.final()]);
  return { bytes: Buffer.concat([nonce, cipher.getAuthTag(), text]), encrypted: true };
}

/** Throws where the key is missing, is another one, or the bytes were tampered with. */
export function openWebhook(
  { bytes, encrypted }: SealedWebhook,
  rolloutId: string,
  key: Uint8Array | undefined,
): string {
  if (!encrypted) return bytes.toString("utf8");
  if (!key) throw new Error(`the webhook of rollout ${rolloutId} is encrypted; set HYDRA_SECRET_KEY to its key`);
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(rolloutId)).setAuthTag(tag);
  return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
}
