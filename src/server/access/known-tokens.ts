import { timingSafeEqual } from "node:crypto";
import type { Pool } from "pg";
import type { Engine, EngineLog } from "../../engine/index.ts";
import { readTokenCredentials, readTokensVersion, type TokenCredential } from "../../rollout/index.ts";
import { type Caller, ENV_ADMIN } from "./caller.ts";
import { hashOf, partsOf } from "./token-text.ts";
import { TokenUses } from "./token-uses.ts";

// The tokens as this server knows them.
//
//   T1. All of them are in memory: a check asks no database, and goes on while that is away.
//   T2. Their table is looked at once per `pollMs`, so what was created or revoked on another server counts here
//       that much later; what this server did itself, at once.
//   T3. An expired token is refused by the time alone, by the clock of the database as it was when the token was read.
//   T4. A check costs one hash, of a secret that is known as of one that is not, and compares all of it.

const POLL_MS = 1_000;
/** Longer than any token: not worth a hash. */
const LONGEST_TEXT = 512;
const NO_HASH = Buffer.alloc(32);

export interface KnownTokensOptions {
  readonly engine: Pick<Engine, "executeMany">;
  readonly pool: Pool;
  readonly log: EngineLog;
  /** The admin's token that needs no table. */
  readonly adminToken?: string | undefined;
  /** Default 1,000. */
  readonly pollMs?: number;
  /** Called after each look at the table and the clock: who was let in may have to go. */
  onLook(): void;
}

/** What a token is worth now. */
export type TokenState = "good" | "expired" | "unknown";

interface KnownToken {
  readonly caller: Caller;
  readonly secretHash: Buffer;
  /** Date.now() from which it is refused. */
  readonly expiresAt: number;
}

/** All tokens, kept in memory. */
export class KnownTokens {
  readonly #options: KnownTokensOptions;
  readonly #adminHash: Buffer | undefined;
  readonly #uses: TokenUses;
  #byId: ReadonlyMap<string, KnownToken> = new Map();
  #version: string | undefined;
  #reading: Promise<void> | undefined;
  #failing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KnownTokensOptions) {
    this.#options = options;
    this.#adminHash = options.adminToken === undefined ? undefined : hashOf(options.adminToken);
    this.#uses = new TokenUses(options.engine);
  }

  /** Are there tokens at all, expired ones included? */
  get any(): boolean {
    return this.#byId.size > 0 || this.hasEnvAdmin;
  }

  /** HYDRA_ADMIN_TOKEN is set. */
  get hasEnvAdmin(): boolean {
    return this.#adminHash !== undefined;
  }

  /** Begins to look at the table again and again. `refresh` before, so that something is known. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), this.#options.pollMs ?? POLL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled([this.#reading, this.#uses.settled()]);
  }

  /** Reads the table now. Rejects where that fails. */
  async refresh(): Promise<void> {
    // One that is under way may have begun too early.
    await this.#reading?.catch(() => {});
    await this.#readOnce();
  }

  /** Whose token is this? */
  judge(text: string): { readonly state: TokenState; readonly caller?: Caller } {
    if (text.length > LONGEST_TEXT) return { state: "unknown" };
    if (this.#adminHash && timingSafeEqual(hashOf(text), this.#adminHash)) return { state: "good", caller: ENV_ADMIN };
    const parts = partsOf(text);
    const known = parts && this.#byId.get(parts.id);
    const same = timingSafeEqual(hashOf(parts?.secret ?? text), known?.secretHash ?? NO_HASH);
    if (!parts || !known || !same) return { state: "unknown" };
    if (Date.now() >= known.expiresAt) return { state: "expired", caller: known.caller };
    this.#uses.note(parts.id);
    return { state: "good", caller: known.caller };
  }

  /** What has become of a token that somebody was let in with. */
  stateOf(tokenId: string): TokenState {
    if (tokenId === ENV_ADMIN.tokenId) return "good";
    const known = this.#byId.get(tokenId);
    if (!known) return "unknown";
    return Date.now() >= known.expiresAt ? "expired" : "good";
  }

  #look(): void {
    this.#uses.write();
    this.#options.onLook();
    if (this.#reading) return;
    this.#readOnce().then(
      () => (this.#failing = false),
      (error: unknown) => {
        if (!this.#failing) this.#options.log.warn({ err: error }, "reading tokens failed, those known go on working");
        this.#failing = true;
      },
    );
  }

  #readOnce(): Promise<void> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)));
  }

  async #read(): Promise<void> {
    const { pool, onLook } = this.#options;
    // Before the tokens: what is created in between is read again next time.
    const version = await readTokensVersion(pool);
    if (version === this.#version) return;
    const credentials = await readTokenCredentials(pool);
    this.#byId = new Map(credentials.map((credential) => [credential.id, knownToken(credential)]));
    this.#version = version;
    this.#uses.keepOnly(this.#byId);
    onLook();
  }
}

function knownToken({ id, secretHash, expiresInMs, token }: TokenCredential): KnownToken {
  const { name, role, regionId } = token;
  const expiresAt = expiresInMs === undefined ? Infinity : Date.now() + expiresInMs;
  return { caller: { name, role, regionId, tokenId: id }, secretHash, expiresAt };
}
