import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { HttpMethod, RequestContext } from "@kubernetes/client-node";
import type { AgentLog } from "../../agent-log.ts";
import { KubeError } from "../kube-client.ts";
import { until } from "../until.ts";
import type { LoadedConfig } from "./kubeconfig.ts";

/** How the API server is reached right now. */
export interface Access {
  /** Address of the API server. */
  readonly server: string;
  /** What says who we are. */
  readonly headers: Readonly<Record<string, string>>;
  /** The connections, kept alive. */
  readonly dispatcher: Dispatcher;
}

type Dispatcher = ReturnType<RequestContext["getDispatcher"]>;

export interface CredentialsOptions {
  /** Reads the kubeconfig anew. Throws a sentence. */
  readonly load: () => LoadedConfig;
  readonly log: AgentLog;
  /** How long an answer is good before files and plugins are asked again. Default 5,000. */
  readonly freshMs?: number;
  /** How long all of it may take. Default 90,000: a credential plugin has 60,000. */
  readonly readMs?: number;
  /** Refused credentials are read anew at most this often. Default 1,000. */
  readonly renewMs?: number;
}

/**
 * Credentials that rotate, without a restart:
 *
 *   R1. A kubeconfig that has changed is read anew; one that cannot be read leaves the old one in force.
 *   R2. Files of certificates, token files and credential plugins are asked again as their time comes.
 *   R3. What the API server has refused is not used again: all of it is read anew.
 *   R4. Connections are kept for as long as what they were made with stays the same.
 *   R5. However many requests are refused, everything is read anew at most once a second, and however
 *       long that takes, it comes to an end: what cannot be had now is asked for again.
 */
export class Credentials {
  readonly #options: CredentialsOptions;
  #loaded: LoadedConfig;
  #stamp: string;
  #access: Access | undefined;
  #madeOf = "";
  #freshUntil = 0;
  #renewedAt = -Infinity;
  #reading: Promise<Access> | undefined;

  /** @throws a sentence about what a person has to correct. */
  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#loaded = options.load();
    this.#stamp = stampOf(this.#loaded.files);
  }

  /** Address of the API server, without what may be secret in it. */
  get origin(): string {
    return originOf(this.#loaded.config.getCurrentCluster()?.server ?? "");
  }

  /** @throws KubeError where there are none to be had. */
  async current(): Promise<Access> {
    if (this.#access !== undefined && performance.now() < this.#freshUntil) return this.#access;
    return await (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)));
  }

  /** After the API server has refused `refused`. */
  async renew(refused: Access): Promise<Access> {
    // Many requests are refused at once; one of them reads for all (R5).
    const isDue = performance.now() - this.#renewedAt >= (this.#options.renewMs ?? 1_000);
    if (this.#access === refused && isDue) {
      this.#renewedAt = performance.now();
      this.#stamp = "";
      this.#freshUntil = 0;
    }
    return await this.current();
  }

  /** `lost` does not answer any more: what comes gets a new connection. */
  reconnect(lost: Access): void {
    if (this.#access?.dispatcher !== lost.dispatcher) return;
    this.#madeOf = "";
    this.#freshUntil = 0;
  }

  /** Cuts the connections. */
  async close(): Promise<void> {
    await this.#access?.dispatcher?.destroy();
  }

  async #read(): Promise<Access> {
    this.#reload();
    const { config } = this.#loaded;
    const context = new RequestContext(config.getCurrentCluster()?.server ?? "", HttpMethod.GET);
    const tls: RequestOptions = {};
    try {
      const given = config.applyToHTTPSOptions(tls).then(() => config.applySecurityAuthentication(context));
      await until(given, AbortSignal.timeout(this.#options.readMs ?? 90_000));
      refuseUnsendable(context.getHeaders());
    } catch (error) {
      throw new KubeError(`no credentials for the cluster: ${wordsOf(error)}`, 0, "Credentials");
    }
    const madeOf = fingerprint([config.getCurrentCluster(), tls.ca, tls.cert, tls.key]);
    const last = this.#access?.dispatcher;
    const dispatcher = madeOf === this.#madeOf ? last : context.getDispatcher();
    // What is under way on the old connections comes to its own end.
    if (dispatcher !== last) void last?.close();
    this.#madeOf = madeOf;
    this.#freshUntil = performance.now() + (this.#options.freshMs ?? 5_000);
    this.#access = { server: context.getUrl(), headers: trimmed(context.getHeaders()), dispatcher };
    return this.#access;
  }

  #reload(): void {
    const stamp = stampOf(this.#loaded.files);
    if (stamp === this.#stamp) return;
    try {
      this.#loaded = this.#options.load();
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        "the kubeconfig has changed and cannot be read, going on with the old one",
      );
      return;
    }
    this.#stamp = stamp;
  }
}

/** Changes when one of the files does. */
function stampOf(files: readonly string[]): string {
  const parts = files.map((file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? "gone" : [stat.ino, stat.size, stat.mtimeMs].join(":");
  });
  return `of ${parts.join(" ")}`;
}

function fingerprint(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64");
}

/** A token file ends with a line break. */
function trimmed(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.trim()]));
}

/** What sends it would quote it in its own error. */
function refuseUnsendable(headers: Record<string, string>): void {
  const unsendable = Object.entries(trimmed(headers)).find(([, value]) => !/^[\x20-\x7E]*$/.test(value));
  if (!unsendable) return;
  throw new Error(`what is to be sent as ${unsendable[0]} has a line break or a character that no credential has`);
}

const LONGEST_WORDS = 500;

function wordsOf(error: unknown): string {
  const { name, message } = error as Error;
  if (name === "TimeoutError") return "they did not come in time";
  // These two may quote what was read.
  if (error instanceof SyntaxError || error instanceof TypeError) return "what was read is none";
  return message.trim().slice(0, LONGEST_WORDS);
}

function originOf(server: string): string {
  return URL.canParse(server) ? new URL(server).origin : server;
}
