import type { AgentLog } from "../../agent-log.ts";
import { Backoff } from "../../backoff.ts";
import type { ClusterConnection } from "../connection/connect.ts";
import type { WatchEvent } from "../connection/watch-stream.ts";
import { KubeError } from "../kube-client.ts";
import { listPages, type Selectors } from "./list-pages.ts";
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

export interface KindWatchOptions<T> extends Selectors {
  readonly connection: ClusterConnection;
  /** Path of the kind in all namespaces. */
  readonly path: string;
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
 *   I5. A watch that has told nothing at all, not even a bookmark, is not gone on with: all is listed anew. A cluster
 *       that was restored from a backup tells nothing to those who ask from a version that it has not reached again.
 *   I6. Trouble is told once for each kind of it, and its end once; it is tried again for as long as it takes.
 *
 * The library's informer (its cache.js) asks for no bookmarks, keeps whole
 * objects, lists without pages, waits up to 30 s before it watches again, and
 * stops at the first error.
 */
export class KindWatch<T extends KubeObject> {
  readonly #options: KindWatchOptions<T>;
  readonly #backoff = Backoff.forCluster();
  readonly #progress = new Progress();
  /** Where to watch from; empty: it takes a list first. */
  #version = "";
  #listed = Promise.withResolvers<void>();
  #cut = new AbortController();
  #restarts = 0;
  /** Trouble that was told and is not over. */
  #trouble = "";
  /** In a row. */
  #denials = 0;

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
    const { connection, path, labelSelector, fieldSelector, sink } = this.#options;
    const seen = new Set<string>();
    const which = { labelSelector, fieldSelector, signal };
    const version = await listPages<T>(connection.client, path, which, (object) => {
      sink.put(object, true);
      seen.add(object.metadata?.uid ?? "");
    });
    sink.keepOnly(seen);
    this.#hear(version);
    this.#listed.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { connection, path, labelSelector, fieldSelector, silenceMs } = this.#options;
    const query = {
      allowWatchBookmarks: "true",
      resourceVersion: this.#version,
      // The API server ends it by then, and at another moment for each agent.
      timeoutSeconds: String(Math.round(300 + 300 * Math.random())),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
    let isSilent = true;
    try {
      for await (const event of connection.watch(path, { query, signal, silenceMs })) {
        this.#take(event);
        isSilent = false;
        this.#tellOver();
      }
      if (isSilent) throw new KubeError("the API server ended a watch without a word", 0, SILENCE);
    } catch (error) {
      if (isSilent && error instanceof KubeError && error.reason === SILENCE && !signal.aborted) this.#forgetVersion();
      throw error;
    }
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
    this.#restarts += 1;
    if (isUnknownVersion(error)) this.#forgetVersion();
    this.#tell(error);
    await this.#backoff.wait(error, this.#options.signal);
  }

  /** I6. */
  #tell(error: Error): void {
    const { log, path } = this.#options;
    const trouble = error instanceof KubeError ? `${error.status} ${error.reason}` : error.name;
    const fields = { err: error, path, failures: this.#backoff.failures + 1 };
    this.#denials = error instanceof KubeError && error.status === 403 ? this.#denials + 1 : 0;
    if (this.#denials === LASTING_DENIALS) log.error(fields, FORBIDDEN);
    else if (trouble === this.#trouble) log.debug(fields, "no watch of the cluster yet, trying again");
    else log.warn(fields, "a watch of the cluster broke, watching again");
    this.#trouble = trouble;
  }

  #tellOver(): void {
    if (this.#trouble !== "") this.#options.log.info({ path: this.#options.path }, "the cluster is watched again");
    this.#trouble = "";
    this.#denials = 0;
    this.#backoff.reset();
  }

  /** Whether there was one. */
  #forgetVersion(): boolean {
    if (this.#version === "") return false;
    this.#version = "";
    this.#listed = Promise.withResolvers();
    return true;
  }
}

/** As `KubeError` has it where nobody has said anything for too long. */
const SILENCE = "Timeout";

/** Fewer in a row are those of an API server that has just started: it has not read yet who may do what. */
const LASTING_DENIALS = 5;

const FORBIDDEN =
  "the cluster does not let the agent watch this, and it can do nothing before: give it the rights of " +
  "deploy/agent/rights.yaml; trying again";

/** Too old (410), or newer than the cluster itself, as after a restore from a backup. */
function isUnknownVersion(error: Error): boolean {
  if (!(error instanceof KubeError)) return false;
  return error.status === 410 || error.causes.some(({ reason }) => reason === "ResourceVersionTooLarge");
}
