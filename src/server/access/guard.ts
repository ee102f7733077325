import type { Pool } from "pg";
import type { Engine, EngineLog } from "../../engine/index.ts";
import { isLoopbackHost } from "../loopback.ts";
import { ListenError } from "../one-port.ts";
import { type Access, createAccess } from "./access.ts";
import { KnownTokens } from "./known-tokens.ts";

export interface GuardOptions {
  readonly engine: Engine;
  readonly pool: Pool;
  readonly log: EngineLog;
  /** Address or name that the server listens on. */
  readonly host: string;
  /** The admin's token that needs no table. */
  readonly adminToken?: string | undefined;
  /** Without tokens, be open on any address and take any Host header. Default: no. */
  readonly allowInsecure?: boolean;
  /** Origins of web pages that may call. Default: none but the server's own. */
  readonly corsOrigins?: readonly string[];
  /** Called after each look at the tokens: who was let in may have to go. */
  readonly onLook: () => void;
}

/** The tokens of a server, and the access that rests on them. */
export class Guard {
  readonly access: Access;
  readonly tokens: KnownTokens;
  /** Whoever reaches the server may call it while there are no tokens. */
  readonly openWithoutTokens: boolean;
  readonly #host: string;

  constructor({ allowInsecure = false, corsOrigins = [], ...options }: GuardOptions) {
    const { host, log } = options;
    this.#host = host;
    this.openWithoutTokens = allowInsecure || isLoopbackHost(host);
    this.tokens = new KnownTokens(options);
    this.access = createAccess({
      tokens: this.tokens,
      openWithoutTokens: this.openWithoutTokens,
      anyHost: allowInsecure,
      origins: corsOrigins,
      log,
    });
  }

  /**
   * Reads the tokens for the first time.
   *
   * @throws ListenError where the server must not listen on its address (A2).
   */
  async prepare(): Promise<void> {
    await this.tokens.refresh();
    if (!this.openWithoutTokens && !this.tokens.any) throw notSafe(this.#host);
  }

  start(): void {
    this.tokens.start();
  }

  stop(): Promise<void> {
    return this.tokens.stop();
  }
}

function notSafe(host: string): ListenError {
  return new ListenError(
    `without tokens the server listens on this machine only (127.0.0.1, ::1 or localhost), not on ${host}: ` +
      "there everybody on the network could change what runs in your clusters. Give it an admin's token in " +
      "HYDRA_ADMIN_TOKEN, or make one while it listens here (hydra tokens create NAME --role admin); " +
      "--insecure goes without, if that is what you want",
  );
}
