import { setTimeout as delay } from "node:timers/promises";
import { SENTINEL_LABEL } from "../../src/agent/kubernetes/objects.ts";
import { createHydraClient, type HydraClient, SentinelRolloutState } from "../../src/client/index.ts";
import { type ControlPlane, startControlPlane } from "../../test/kube/control-plane.ts";
import { createDeployments } from "../../test/kube/fleet.ts";
import { freePort } from "../../test/kube/free-port.ts";
import { createNamespace } from "../../test/kube/namespace.ts";
import type { BenchPostgres } from "../database.ts";
import { postgresCpuMs } from "../postgres-cpu.ts";
import { cpuMs, type HydraProcess, startAgentProcess, startServerProcess } from "../server-process.ts";
import { FleetWatch } from "./fleet-watch.ts";
import { type ApplyLimits, patchDeployments } from "./floor.ts";

const REGION = "bench";
const REPLICAS = 3;
const POLL_MS = 50;
const SETTING_UP = { inFlight: 20, perSecond: 10_000 };

/** A control plane, a hydra, and Deployments that hydra knows; an agent where one is started. */
export interface KubernetesSite extends AsyncDisposable {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly client: HydraClient;
  readonly watch: FleetWatch;
  /** Names of the Deployments, which are the ids of their sentinels. */
  readonly names: readonly string[];
  /** Creates Deployments until there are so many, labelled as those that hydra has taken on, and registers them. */
  grow(count: number, image: string): Promise<void>;
  /** Once it has applied and told all there is. */
  startAgent(limits: ApplyLimits, resyncMs: number): Promise<HydraProcess>;
  /** To its end, in one wave. */
  rollOut(image: string): Promise<void>;
  /** CPU time so far, in ms. */
  cpuMs(): Promise<{ apiServer: number; controlPlane: number; hydra: number }>;
}

export async function startSite(postgres: BenchPostgres): Promise<KubernetesSite> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  const { kubeconfig } = plane;
  const { name: namespace } = await createNamespace(kubeconfig);
  const watch = stack.use(await FleetWatch.start(kubeconfig, namespace));
  const databaseUrl = await postgres.createDatabase("kubernetes");
  const server = await startServerProcess([], { DATABASE_URL: databaseUrl, HYDRA_DEPLOY_TIMEOUT: "60m" });
  stack.defer(() => server.stop());
  const client = createHydraClient({ baseUrl: server.url });
  const names: string[] = [];
  const agentKubeconfig = await plane.agentKubeconfig();
  const parts = stack.move();
  return {
    kubeconfig,
    namespace,
    client,
    watch,
    names,
    async grow(count, image) {
      const more = await createFleet(kubeconfig, namespace, { from: names.length, count: count - names.length, image });
      await patchDeployments(kubeconfig, { namespace, names: more }, labelPatch, SETTING_UP);
      await register(client, namespace, more, image);
      names.push(...more);
      await watch.untilAvailable(image, more.length);
    },
    startAgent: (limits, resyncMs) =>
      startReadyAgent({
        kubeconfig: agentKubeconfig,
        url: server.url,
        sentinels: names.length,
        limits,
        resyncMs,
      }),
    async rollOut(image) {
      const { state } = await client.rollouts.rollout({ image, wavePercentages: [100] });
      if (state !== SentinelRolloutState.COMPLETED) throw new Error(`the rollout ended in state ${state}`);
    },
    cpuMs: () => cpuTimes(plane, server, postgres),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function createFleet(
  kubeconfig: string,
  namespace: string,
  { from, count, image }: { from: number; count: number; image: string },
): Promise<string[]> {
  // Each time under names of their own.
  return createDeployments(kubeconfig, count, { namespace, image, replicas: REPLICAS, prefix: `snt-${from}` });
}

function labelPatch(name: string): object {
  return { metadata: { labels: { [SENTINEL_LABEL]: name } } };
}

async function register({ sentinels }: HydraClient, k8sNamespace: string, names: readonly string[], image: string) {
  async function* messages() {
    const place = { regionId: REGION, k8sNamespace, image, desiredReplicas: REPLICAS };
    yield { sentinels: names.map((name) => ({ id: name, k8sName: name, ...place })) };
  }
  await sentinels.importSentinels(messages());
}

interface ReadyAgentOptions {
  readonly kubeconfig: string;
  readonly url: string;
  readonly sentinels: number;
  readonly limits: ApplyLimits;
  readonly resyncMs: number;
}

async function startReadyAgent(options: ReadyAgentOptions) {
  const { kubeconfig, url, sentinels, limits, resyncMs } = options;
  const port = await freePort();
  const agent = await startAgentProcess(
    ["--region", REGION, "--kubeconfig", kubeconfig, "--url", url, "--health-port", String(port)],
    {
      HYDRA_AGENT_APPLIES_IN_FLIGHT: String(limits.inFlight),
      HYDRA_AGENT_APPLIES_PER_SECOND: String(limits.perSecond),
      HYDRA_AGENT_RESYNC: String(resyncMs),
    },
  );
  while (!(await isAtRest(`http://127.0.0.1:${port}`, sentinels))) await delay(POLL_MS);
  return agent;
}

/** Has it applied and told all there is? What an agent finds out first it would do in the middle of what is measured. */
async function isAtRest(pages: string, sentinels: number): Promise<boolean> {
  const { ok } = await fetch(`${pages}/readyz`);
  const metrics = await (await fetch(`${pages}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^hydra_agent_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
  const waiting = ["applies_in_flight", "applies_queued", "reports_waiting"];
  return (
    ok &&
    value("sentinels") === sentinels &&
    value("reports_sent_total") >= sentinels &&
    waiting.every((name) => value(name) === 0)
  );
}

async function cpuTimes(plane: ControlPlane, server: HydraProcess, postgres: BenchPostgres) {
  const pids = plane.pids();
  const times = await Promise.all([...pids.values()].map(cpuMs));
  return {
    apiServer: await cpuMs(pids.get("kube-apiserver") ?? 0),
    controlPlane: times.reduce((sum, time) => sum + time, 0),
    hydra: (await server.cpuMs()) + (await postgresCpuMs(postgres.pid)),
  };
}
