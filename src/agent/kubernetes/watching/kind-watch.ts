import type { AgentLog } from "../../agent-log.ts";
import { Backoff } from "../../backoff.ts";
import type { ClusterConnection } from "../connection/connect.ts";
import type { WatchEvent } from "../connection/watch-stream.ts";
import { KubeError } from "../kube-client.ts";
import { listPages } from "./list-pages.ts";
import type { KubeObject } from "./object-meta.ts";
import { Progress } from "./progress.ts";

/** Where the objects of one kind go. */
export interface KindSink<T> {
  /** The object as it is now; `listed`: all there are, are being listed anew. */
  put(object: T, listed: boolean): void;
  remove(uid: string): void;
  /** Of this kind there are these and no others. */
  keepOnly(uids: ReadonlySet<string>): void;
  /** Everything up to this version has been heard. */
  heard(version: bigint): void;
}

export interface KindWatchOptions<T> {
  readonly connection: ClusterConnection;
  /** Path of the kind in all namespaces. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly sink: KindSink<T>;
  /** Silence after which a watch counts as dead. */
  readonly silenceMs: number;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
}

/**
 * Follows the objects of one kind.
 *
 *   I1. A list is followed by a watch from the list's own version: no change falls between the two.
 *   I2. A watch that ends goes on from the version that was heard last, bookmarks included.
 *   I3. A version that the API server does not know any more is not asked for again: all is listed anew.
 *   I4. What a list does not have is gone.
 *
 * The library's informer (its cache.js) asks for no bookmarks, keeps whole
 * objects, lists without pages, waits up to 30 s before it watches again, and
 * stops at the first error.
 */
export class KindWatch<T extends KubeObject> {
  readonly #options: KindWatchOptions<T>;
  readonly #backoff = new Backoff();
  readonly #progress = new Progress();
  /** Where to watch from; empty: it takes a list first. */
  #version = "";
  #listed = Promise.withResolvers<void>();
  #cut = new AbortController();
  #restarts = 0;

  constructor(options: KindWatchOptions<T>) {
    this.#options = options;
  }

  /** Lists that failed and watches that broke since the start. */
  get restarts(): number {
    return this.#restarts;
  }

  /** When the API server was heard last, in ms since 1970; undefined: never. */
  get heardAtMs(): number | undefined {
    return this.#progress.atMs;
  }

  /** Resolves with the list that is under way or due, or has been the last. */
  get listed(): Promise<void> {
    return this.#listed.promise;
  }

  /** Lists all anew, unless that is about to happen anyway, and resolves then. */
  async relist(): Promise<void> {
    if (this.#forgetVersion()) this.#cut.abort();
    await this.listed;
  }

  /** Resolves once everything up to `version` has been heard; rejects when the signal is aborted. */
  async upTo(version: bigint, signal: AbortSignal): Promise<void> {
    await this.#progress.upTo(version, signal);
  }

  /** Follows until the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      this.#cut = new AbortController();
      const ended = AbortSignal.any([signal, this.#cut.signal]);
      try {
        if (this.#version === "") await this.#list(ended);
        await this.#watch(ended);
      } catch (error) {
        if (!ended.aborted) await this.#recover(error as Error);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { connection, path, labelSelector, sink } = this.#options;
    const seen = new Set<string>();
    const version = await listPages<T>(connection.client, path, { labelSelector, signal }, (object) => {
      sink.put(object, true);
      seen.add(object.metadata?.uid ?? "");
    });
    sink.keepOnly(seen);
    this.#hear(version);
    this.#listed.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { connection, path, labelSelector, silenceMs } = this.#options;
    const query = {
      allowWatchBookmarks: "true",
      resourceVersion: this.#version,
      // The API server ends it by then, and at another moment for each agent.
      timeoutSeconds: String(Math.round(300 + 300 * Math.random())),
      ...(labelSelector !== undefined && { labelSelector }),
    };
    let silent = true;
    for await (const event of connection.watch(path, { query, signal, silenceMs })) {
      this.#take(event);
      silent = false;
      this.#backoff.reset();
    }
    if (silent) throw new KubeError("the API server ended a watch at once", 0, "Unreachable");
  }

  #take({ type, object }: WatchEvent): void {
    const { sink } = this.#options;
    if (type === "ERROR") {
      const { message = "the watch has failed", code = 0, reason = "" } = object as Record<string, never>;
      throw new KubeError(message, code, reason);
    }
    const { metadata } = object as T;
    if (type === "DELETED") sink.remove(metadata?.uid ?? "");
    else if (type !== "BOOKMARK") sink.put(object as T, false);
    this.#hear(metadata?.resourceVersion ?? this.#version);
  }

  #hear(version: string): void {
    this.#version = version;
    this.#options.sink.heard(BigInt(version));
    this.#progress.heard(BigInt(version));
  }

  async #recover(error: Error): Promise<void> {
    const { log, path, signal } = this.#options;
    this.#restarts += 1;
    if (isUnknownVersion(error)) this.#forgetVersion();
    const fields = { err: error, path, failures: this.#backoff.failures + 1 };
    if (this.#backoff.failures === 0) log.warn(fields, "a watch of the cluster broke, watching again");
    else log.debug(fields, "no watch of the cluster yet, trying again");
    await this.#backoff.wait(error, signal);
  }

  /** Whether there was one. */
  #forgetVersion(): boolean {
    if (this.#version === "") return false;
    this.#version = "";
    this.#listed = Promise.withResolvers();
    return true;
  }
}

/** Too old (410), or newer than the cluster itself, as after a restore from a backup. */
function isUnknownVersion(error: Error): boolean {
  if (!(error instanceof KubeError)) return false;
  return error.status === 410 || error.causes.some(({ reason }) => reason === "ResourceVersionTooLarge");
}
