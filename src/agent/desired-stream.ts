import type { Client } from "@connectrpc/connect";
import type { ClusterService, DesiredSentinel, WatchDesiredStateResponse } from "../gen/hydra/v1/cluster_pb.ts";
import type { AgentIdentity } from "./agent-identity.ts";
import type { AgentLog } from "./agent-log.ts";
import { Backoff, needsPerson } from "./backoff.ts";

// An agent's end of the stream of desired state.
//
//   A1. A cursor is taken over after its message has been applied: a cut stream
//       repeats, it never skips. With it goes its epoch, which tells the server
//       whether its database still has what the agent was told.
//   A2. A full sync that is cut starts anew; only a complete one tells what is gone.
//   A3. Messages are applied one at a time, in order.
//   A7. With a resync interval, everything is heard anew at least that often,
//       and after a connection was lost: once what was missed has been told, which
//       a full sync alone does not (it does not name what has left). Where the
//       agent is in doubt about what it has heard, in the next quiet moment.

/** What an agent does with desired state. */
export interface DesiredState {
  /** Applies what is desired of some sentinels, those that left hydra (`deleted`) included. May see the same twice. */
  apply(sentinels: readonly DesiredSentinel[]): Promise<void> | void;
  /** After a full sync: of this region there are these sentinels and no others. */
  keepOnly(sentinelIds: ReadonlySet<string>): Promise<void> | void;
  /** Does something that was heard not fit what the agent knows otherwise, so that all should be heard anew? */
  isInDoubt?(): boolean;
}

export interface DesiredStreamOptions {
  readonly client: Client<typeof ClusterService>;
  readonly agent: AgentIdentity;
  readonly desired: DesiredState;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
  /** Silence after which the connection counts as dead; a few of the server's heartbeats. Default 60,000. */
  readonly silenceMs?: number;
  /** How often to ask for a full sync though nothing was missed. Default: never. */
  readonly resyncMs?: number;
  /** Told when the server has answered, and when the connection is lost. */
  readonly onConnection?: (open: boolean) => void;
}

/** Follows desired state until the signal is aborted, through any number of lost connections. Never rejects. */
export async function followDesiredState(options: DesiredStreamOptions): Promise<void> {
  const { signal, log, agent } = options;
  const stream = new DesiredStream(options);
  const backoff = Backoff.forHydra();
  while (!signal.aborted) {
    try {
      const ended = await stream.follow(() => backoff.reset());
      if (ended === "cut") throw new Error("the server ended the stream");
    } catch (error) {
      if (signal.aborted) return;
      const fields = { err: error, regionId: agent.regionId, failures: backoff.failures + 1 };
      if (needsPerson(error)) log.error(fields, "the server refuses this agent, trying again");
      else if (backoff.failures === 0) log.warn(fields, "stream of desired state was cut, connecting again");
      else log.debug(fields, "no stream of desired state yet, trying again");
      await backoff.wait(error, signal);
    }
  }
}

class DesiredStream {
  readonly #options: DesiredStreamOptions;
  #cursor = 0n;
  #epoch = "";
  #synced: Set<string> | undefined;
  #resyncAtMs = Infinity;

  constructor(options: DesiredStreamOptions) {
    this.#options = options;
  }

  /** Connects and applies what comes, until the stream ends or fails, or is to begin anew with a full sync. */
  async follow(onMessage: () => void): Promise<"cut" | "resync"> {
    const { client, agent, signal, silenceMs = 60_000, onConnection } = this.#options;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error(`no sign of life for ${silenceMs} ms`)), silenceMs);
    this.#synced = undefined;
    this.#resyncAtMs = this.#cursor === 0n ? Infinity : performance.now();
    try {
      const stream = client.watchDesiredState(
        { agent, cursor: this.#cursor, epoch: this.#epoch },
        { signal: AbortSignal.any([signal, silence.signal]) },
      );
      for await (const message of stream) {
        onConnection?.(true);
        await this.#take(message);
        onMessage();
        if (this.#isResyncDue(message)) {
          this.#cursor = 0n;
          return "resync";
        }
        timer.refresh();
      }
      return "cut";
    } finally {
      clearTimeout(timer);
      silence.abort();
      onConnection?.(false);
    }
  }

  /** A7: in a quiet moment; where there is none for an interval, in any. */
  #isResyncDue({ sentinels }: WatchDesiredStateResponse): boolean {
    const { resyncMs, desired } = this.#options;
    if (resyncMs === undefined || this.#synced) return false;
    if (sentinels.length === 0 && desired.isInDoubt?.()) return true;
    const overdueMs = performance.now() - this.#resyncAtMs;
    return overdueMs >= (sentinels.length === 0 ? 0 : resyncMs);
  }

  async #take(message: WatchDesiredStateResponse): Promise<void> {
    const { desired } = this.#options;
    if (message.sentinels.length > 0) await desired.apply(message.sentinels);
    if (message.fullSync) {
      this.#synced ??= new Set();
      for (const { sentinelId } of message.sentinels) this.#synced.add(sentinelId);
    }
    if (message.fullSyncEnd) {
      await desired.keepOnly(this.#synced ?? new Set());
      this.#synced = undefined;
      this.#resyncAtMs = performance.now() + (this.#options.resyncMs ?? Infinity);
    }
    this.#cursor = message.cursor;
    this.#epoch = message.epoch;
  }
}
