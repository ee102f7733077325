import { hash, randomBytes } from "node:crypto";

// A token's text is `hydra_<id>_<secret>`: the prefix lets scanners of secrets find
// it, the id finds its row, and the secret is 256 random bits. Of those a plain
// SHA-256 is stored: there is nothing to guess that a slower hash would protect.

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const TEXT = new RegExp(`^hydra_([0-9a-f]{${ID_BYTES * 2}})_([0-9a-f]{${SECRET_BYTES * 2}})$`);

export interface NewToken {
  readonly id: string;
  /** What its bearer sends. */
  readonly text: string;
  /** What is stored of the secret. */
  readonly secretHash: Buffer;
}

export interface TokenParts {
  readonly id: string;
  readonly secret: string;
}

export function newToken(): NewToken {
  const id = randomBytes(ID_BYTES).toString("hex");
  const secret = randomBytes(SECRET_BYTES).toString("hex");
  return { id, text: `hydra_${id}_${secret}`, secretHash: hashOf(secret) };
}

/** Undefined: no token of ours has such a text. */
export function partsOf(text: string): TokenParts | undefined {
  const [, id, secret] = TEXT.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function hashOf(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}
