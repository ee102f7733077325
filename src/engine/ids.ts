import { hash, timingSafeEqual } from "node:crypto";
import { TerminalError } from "./errors.ts";

// Ids as the outside sees them. Inside, an invocation is a number below 2^53.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const INVOCATION_PREFIX = "inv_1";
const INVOCATION_DIGITS = 10;
const AWAKEABLE_PREFIX = "sign_1";
const AWAKEABLE_BYTES = 20;
const TARGET_BYTES = 12;
const MAC_HEX_DIGITS = 16;

/** The public form of an invocation's id: `inv_1` and ten digits in base 62. */
export function formatInvocationId(id: number): string {
  let rest = id;
  let digits = "";
  for (let i = 0; i < INVOCATION_DIGITS; i++) {
    digits = ALPHABET[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return INVOCATION_PREFIX + digits;
}

/** Reads the public form. Throws a TerminalError of kind `invalid` that says what is wrong with it. */
export function parseInvocationId(text: string): number {
  const refuse = (why: string) => new TerminalError(`bad invocation id '${text}': ${why}`, "invalid");
  if (!text.startsWith(INVOCATION_PREFIX)) throw refuse("bad format");
  const digits = text.slice(INVOCATION_PREFIX.length);
  if (digits.length !== INVOCATION_DIGITS) throw refuse("bad length");
  let id = 0;
  for (const digit of digits) {
    const value = ALPHABET.indexOf(digit);
    if (value < 0) throw refuse("base62 decode error");
    id = id * 62 + value;
  }
  if (!Number.isSafeInteger(id)) throw refuse("base62 decode error");
  return id;
}

/** The journal entry that an awakeable stands for. */
export interface AwakeableTarget {
  readonly invocationId: number;
  readonly entry: number;
}

/**
 * The public form of an awakeable's id. It names its entry and carries 64 bits
 * that only a holder of the database's secret can make: resolving is public.
 * The same for every replay, so nothing is stored before somebody resolves it.
 */
export function formatAwakeableId(target: AwakeableTarget, secret: Buffer): string {
  const bytes = Buffer.alloc(AWAKEABLE_BYTES);
  bytes.writeBigUInt64BE(BigInt(target.invocationId), 0);
  bytes.writeUInt32BE(target.entry, 8);
  bytes.write(mac(bytes, secret), TARGET_BYTES, "hex");
  return AWAKEABLE_PREFIX + bytes.toString("base64url");
}

/** Reads the public form. Throws a TerminalError of kind `invalid`. */
export function parseAwakeableId(text: string, secret: Buffer): AwakeableTarget {
  const refuse = () => new TerminalError(`bad awakeable id '${text}': bad format`, "invalid");
  if (!text.startsWith(AWAKEABLE_PREFIX)) throw refuse();
  const encoded = text.slice(AWAKEABLE_PREFIX.length);
  const bytes = Buffer.from(encoded, "base64url");
  if (bytes.length !== AWAKEABLE_BYTES || bytes.toString("base64url") !== encoded) throw refuse();
  if (!timingSafeEqual(Buffer.from(mac(bytes, secret), "hex"), bytes.subarray(TARGET_BYTES))) throw refuse();
  return { invocationId: Number(bytes.readBigUInt64BE(0)), entry: bytes.readUInt32BE(8) };
}

// Secret first, fixed lengths, cut to 64 bits: what HMAC adds guards against
// extending a message, and would cost ten times as much. In hex, which Node
// makes in a quarter of the time of a Buffer.
function mac(bytes: Buffer, secret: Buffer): string {
  const signed = Buffer.concat([secret, bytes.subarray(0, TARGET_BYTES)]);
  return hash("sha256", signed, "hex").slice(0, MAC_HEX_DIGITS);
}
