import { setTimeout as delay } from "node:timers/promises";
import type { BenchPostgres } from "./database.ts";
import { type ApiRequests, countRequests } from "./kubernetes/api-requests.ts";
import { imagePatch, patchDeployments } from "./kubernetes/floor.ts";
import { ReadyTimes } from "./kubernetes/ready-times.ts";
import { type KubernetesSite, startSite } from "./kubernetes/site.ts";
import type { HydraProcess } from "./server-process.ts";
import { mean, quantile } from "./statistics.ts";

/** The agent's defaults but for the pace: the control plane is to be what limits, not a setting. */
const LIMITS = { inFlight: 10, perSecond: 10_000 };
const FAR_RESYNC_MS = 3_600_000;
/** In the time in which nothing changes everything is compared several times. */
const NEAR_RESYNC_MS = 5_000;
const SETTLING_MS = 3_000;
const REST_MS = 20_000;
const SIZES = [0.25, 0.5, 1];
const image = (tag: string) => `ghcr.io/acme/sentinel:${tag}`;

export interface KubernetesOptions {
  /** With three pods each. */
  readonly deployments: number;
  /**
   * Rollouts of either kind. Who goes first changes each time: every rollout leaves each Deployment a ReplicaSet more,
   * and the control plane's programs more to go through. So an even number.
   */
  readonly rounds: number;
  /** How long nothing changes, in ms. */
  readonly quietMs: number;
}

/** Means. CPU in ms. */
export interface FleetRollout extends ApiRequests {
  readonly wallMs: number;
  readonly apiServerMs: number;
  readonly controlPlaneMs: number;
  /** Of hydra's server and Postgres. */
  readonly hydraMs: number;
  readonly agentMs: number;
}

export interface AgentMemory {
  readonly deployments: number;
  /** Of an agent that has just told everything, in MB. */
  readonly rss: number;
  readonly peakRss: number;
}

export interface KubernetesFigures {
  readonly floor: FleetRollout;
  readonly hydra: FleetRollout;
  /** CPU of the control plane in a second in which nothing happens and no agent is there, in ms. */
  readonly restMs: number;
  /** Highest over a rollout, in MB. */
  readonly rolloutPeakRss: number;
  readonly memory: readonly AgentMemory[];
  /** While nothing changed. */
  readonly writes: number;
  /** From "the Deployment is available" to "the sentinel is ready", in ms. */
  readonly readyP50: number;
  readonly readyP99: number;
}

/** Deployments on a control plane of their own: rolled by a plain script and by hydra with its agent, in turns. */
export async function measureKubernetes(
  postgres: BenchPostgres,
  { deployments, rounds, quietMs }: KubernetesOptions,
): Promise<KubernetesFigures> {
  await using site = await startSite(postgres);
  const memory: AgentMemory[] = [];
  for (const share of SIZES) memory.push(await growTo(site, Math.round(deployments * share)));
  const floors: FleetRollout[] = [];
  const rollouts: FleetRollout[] = [];
  const delays: number[] = [];
  let rolloutPeakRss = 0;
  for (let round = 1; round <= rounds; round++) {
    const byScript = async () => void floors.push(await measureFloor(site, image(`floor${round}`)));
    const byHydra = () =>
      withAgent(site, FAR_RESYNC_MS, async (agent) => {
        const times = await ReadyTimes.start(site.client);
        rollouts.push(await measureRollout(site, agent, image(`v${round}`)));
        delays.push(...delaysOf(await times.stop(), site.watch.availableAt(image(`v${round}`))));
        rolloutPeakRss = Math.max(rolloutPeakRss, await agent.peakRss());
      });
    for (const run of round % 2 === 1 ? [byScript, byHydra] : [byHydra, byScript]) await run();
  }
  return {
    floor: meanOf(floors),
    hydra: meanOf(rollouts),
    restMs: await measureRest(site),
    rolloutPeakRss,
    memory,
    writes: await countQuietWrites(site, quietMs),
    readyP50: quantile(delays, 0.5),
    readyP99: quantile(delays, 0.99),
  };
}

async function withAgent<T>(
  site: KubernetesSite,
  resyncMs: number,
  run: (agent: HydraProcess) => Promise<T>,
): Promise<T> {
  const agent = await site.startAgent(LIMITS, resyncMs);
  try {
    return await run(agent);
  } finally {
    await agent.stop();
  }
}

async function growTo(site: KubernetesSite, deployments: number): Promise<AgentMemory> {
  await site.grow(deployments, image(`of-${deployments}`));
  return withAgent(site, FAR_RESYNC_MS, async (agent) => {
    await delay(SETTLING_MS);
    return { deployments, rss: await agent.rss(), peakRss: await agent.peakRss() };
  });
}

async function measureFloor(site: KubernetesSite, to: string): Promise<FleetRollout> {
  const { kubeconfig, namespace, names, watch } = site;
  return measure(site, undefined, async () => {
    await patchDeployments(kubeconfig, { namespace, names }, () => imagePatch(to), LIMITS);
    await watch.untilAvailable(to, names.length);
  });
}

async function measureRollout(site: KubernetesSite, agent: HydraProcess, to: string): Promise<FleetRollout> {
  return measure(site, agent, async () => {
    await site.rollOut(to);
    await site.watch.untilAvailable(to, site.names.length);
  });
}

async function measure(
  site: KubernetesSite,
  agent: HydraProcess | undefined,
  run: () => Promise<void>,
): Promise<FleetRollout> {
  // What the control plane still does about the one before is not this one's.
  await delay(SETTLING_MS);
  const requestsBefore = await countRequests(site.kubeconfig);
  const [before, agentBefore] = [await site.cpuMs(), (await agent?.cpuMs()) ?? 0];
  const startedAt = performance.now();
  await run();
  const wallMs = performance.now() - startedAt;
  const after = await site.cpuMs();
  const requests = await countRequests(site.kubeconfig);
  return {
    wallMs,
    reads: requests.reads - requestsBefore.reads,
    writes: requests.writes - requestsBefore.writes,
    events: requests.events - requestsBefore.events,
    apiServerMs: after.apiServer - before.apiServer,
    controlPlaneMs: after.controlPlane - before.controlPlane,
    hydraMs: after.hydra - before.hydra,
    agentMs: ((await agent?.cpuMs()) ?? 0) - agentBefore,
  };
}

function delaysOf(readyAt: ReadonlyMap<string, number>, availableAt: ReadonlyMap<string, number>): number[] {
  return [...readyAt].map(([name, at]) => at - (availableAt.get(name) ?? Number.NaN));
}

/** Per second. */
async function measureRest(site: KubernetesSite): Promise<number> {
  await delay(SETTLING_MS);
  const before = await site.cpuMs();
  await delay(REST_MS);
  return ((await site.cpuMs()).controlPlane - before.controlPlane) / (REST_MS / 1_000);
}

async function countQuietWrites(site: KubernetesSite, quietMs: number): Promise<number> {
  return withAgent(site, NEAR_RESYNC_MS, async () => {
    await delay(SETTLING_MS);
    const before = await countRequests(site.kubeconfig);
    await delay(quietMs);
    return (await countRequests(site.kubeconfig)).writes - before.writes;
  });
}

function meanOf(runs: readonly FleetRollout[]): FleetRollout {
  const of = (field: keyof FleetRollout) => mean(runs.map((run) => run[field]));
  return {
    wallMs: of("wallMs"),
    apiServerMs: of("apiServerMs"),
    controlPlaneMs: of("controlPlaneMs"),
    hydraMs: of("hydraMs"),
    agentMs: of("agentMs"),
    reads: of("reads"),
    writes: of("writes"),
    events: of("events"),
  };
}
