import type { AgentLog } from "../../agent-log.ts";
import type { ClusterConnection } from "../connection/connect.ts";
import { type ClusterObjects, type Place, SENTINEL_LABEL } from "../objects.ts";
import { Changes } from "./changes.ts";
import { type CacheSizes, ClusterCache } from "./cluster-cache.ts";
import { type KindSink, KindWatch } from "./kind-watch.ts";
import { Latecomers } from "./latecomers.ts";
import type { Selectors } from "./list-pages.ts";
import type { KubeObject } from "./object-meta.ts";
import { PODS_THAT_COUNT } from "./pod-view.ts";
import { until } from "../until.ts";

// An API server that has nothing to tell sends a bookmark about once a minute.
const SILENCE_MS = 90_000;

export interface WatchingOptions {
  readonly connection: ClusterConnection;
  /** Container of a Deployment that hydra sets the image of. */
  readonly container: string;
  /** Something about the Deployment at this place has changed; once per turn of the event loop. Must not throw. */
  readonly onChange: (place: Place) => void;
  readonly log: AgentLog;
  /** Stops watching. */
  readonly signal: AbortSignal;
  /** Silence after which a watch counts as dead and is begun again. Default 90,000. */
  readonly silenceMs?: number;
}

export interface Watching {
  readonly objects: ClusterObjects;
  /** Resolves once all there is has been heard of; never if stopped before. */
  readonly synced: Promise<void>;
  /**
   * Resolves once `objects` has the Deployments as of this version, and what
   * belongs to those that became ours by it.
   *
   * @throws the signal's reason when it is aborted.
   */
  upToDate(resourceVersion: bigint, signal: AbortSignal): Promise<void>;
  /** When the API server was heard last, in ms since 1970, on the watch that has been silent longest; undefined: not on all of them yet. */
  lastHeardMs(): number | undefined;
  /** Watches that broke and lists that failed since the start. */
  restarts(): number;
  /** How many objects are kept. */
  sizes(): CacheSizes;
  /** Lists everything anew; resolves when that is done, or watching was stopped. */
  relist(): Promise<void>;
  /** Resolves when watching was stopped and has come to its end. */
  readonly ended: Promise<void>;
}

/**
 * Starts to watch the Deployments of sentinels and what belongs to them. Goes on
 * through any outage of the API server until the signal is aborted.
 */
export function startWatching(options: WatchingOptions): Watching {
  const { signal } = options;
  const changes = new Changes((place) => {
    if (!signal.aborted) options.onChange(place);
  });
  let hasListed = false;
  const cache = new ClusterCache({
    container: options.container,
    onChange: (place) => changes.add(place),
    // What the first list finds is listed next in any case.
    onNewDeployment: (deployment) => {
      if (hasListed) latecomers.fetch(deployment);
    },
  });
  const latecomers = createLatecomers(options, cache);
  const kinds = watchKinds(options, cache, latecomers);
  const [deployments] = kinds;
  void deployments.listed.then(() => (hasListed = true));
  return {
    objects: cache,
    synced: Promise.all(kinds.map(({ listed }) => listed)).then(() => {}),
    async upToDate(resourceVersion, waiting) {
      await deployments.upTo(resourceVersion, waiting);
      await latecomers.settled(waiting);
    },
    lastHeardMs: () => oldest(kinds.map(({ heardAtMs }) => heardAtMs)),
    restarts: () => kinds.reduce((sum, { restarts }) => sum + restarts, 0),
    sizes: () => cache.sizes(),
    async relist() {
      // Stopped meanwhile, there is nothing to wait for.
      await until(Promise.all(kinds.map((kind) => kind.relist())), signal).catch(() => {});
    },
    ended: runInOrder(kinds, signal),
  };
}

function createLatecomers({ connection, log, signal }: WatchingOptions, cache: ClusterCache): Latecomers {
  const { replicaSets, pods } = cache;
  return new Latecomers({
    client: connection.client,
    replicaSets,
    pods,
    isOurs: (uid) => cache.isOurs(uid),
    log,
    signal,
  });
}

/** Owners before what they own. */
function watchKinds(options: WatchingOptions, cache: ClusterCache, latecomers: Latecomers) {
  const { connection, log, signal, silenceMs = SILENCE_MS } = options;
  const watch = <T extends KubeObject>(path: string, sink: KindSink<T>, selectors: Selectors = {}) =>
    new KindWatch<T>({ connection, path, ...selectors, sink, silenceMs, log, signal });
  const telling = <T>(sink: KindSink<T>): KindSink<T> => ({
    ...sink,
    remove(uid) {
      latecomers.deleted(uid);
      sink.remove(uid);
    },
  });
  return [
    watch("/apis/apps/v1/deployments", cache.deployments, { labelSelector: SENTINEL_LABEL }),
    watch("/apis/apps/v1/replicasets", telling(cache.replicaSets)),
    watch("/api/v1/pods", telling(cache.pods), { fieldSelector: PODS_THAT_COUNT }),
    watch("/apis/autoscaling/v2/horizontalpodautoscalers", cache.autoscalers),
  ] as const;
}

/** Each kind is listed before the next one is, so that nothing of somebody else's has to be kept to find that out. */
async function runInOrder(kinds: ReturnType<typeof watchKinds>, signal: AbortSignal): Promise<void> {
  const running: Promise<void>[] = [];
  for (const kind of kinds) {
    running.push(kind.run());
    await until(kind.listed, signal).catch(() => {});
  }
  await Promise.all(running);
}

function oldest(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((least, time) => (time === undefined || least === undefined ? undefined : Math.min(least, time)));
}
