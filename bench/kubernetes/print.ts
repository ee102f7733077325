import { leaveOutKube } from "../../test/kube/assets.ts";
import type { BenchPostgres } from "../database.ts";
import { type KubernetesOptions, measureKubernetes } from "../kubernetes.ts";
import { type Figure, head, number, row, say } from "../table.ts";

/** The section of agents on a real control plane, where its programs are there. */
export async function printKubernetes(postgres: BenchPostgres, options: KubernetesOptions): Promise<void> {
  if (leaveOutKube()) return;
  const figures = await measureKubernetes(postgres, options);
  const { floor, hydra, restMs, rolloutPeakRss, memory, writes, readyP50, readyP99 } = figures;
  const each = (count: number) => number(count / options.deployments, 1);
  const fleet = `${number(options.deployments).toString()} Deployments with 3 pods each`;
  head(1, fleet, "a plain script", "hydra with its agent", "ratio");
  for (const [what, field] of [
    ["wall, s", "wallMs"],
    ["CPU of the API server, s", "apiServerMs"],
    ["CPU of the whole control plane, s", "controlPlaneMs"],
  ] as const) {
    row(what, seconds(floor[field]), seconds(hydra[field]), number(hydra[field] / floor[field], 2));
  }
  // What the control plane takes for being there is not the rollout's, however long that takes.
  const [ofScript, ofHydra] = [floor, hydra].map(
    ({ controlPlaneMs, wallMs }) => controlPlaneMs - (wallMs / 1_000) * restMs,
  ) as [number, number];
  row("the same without what it takes at rest, s", seconds(ofScript), seconds(ofHydra), number(ofHydra / ofScript, 2));
  for (const [what, field] of [
    ["reads", "reads"],
    ["writes", "writes"],
    ["events told to watchers", "events"],
  ] as const) {
    row(`${what}, a Deployment`, each(floor[field]), each(hydra[field]), number(hydra[field] / floor[field], 2));
  }
  row("CPU of the agent, s", "", seconds(hydra.agentMs), number(hydra.agentMs / floor.controlPlaneMs, 2));
  row("CPU of the server and Postgres, s", "", seconds(hydra.hydraMs), number(hydra.hydraMs / floor.controlPlaneMs, 2));
  say("The control plane at rest, without an agent: ", number(restMs / 10, 1), " % of a core");
  head(0, "Deployments", "RSS of the agent, MB", "peak, MB");
  for (const { deployments, rss, peakRss } of memory) row(number(deployments), number(rss), number(peakRss));
  say("Highest RSS of the agent in a rollout: ", number(rolloutPeakRss), " MB");
  say("Writes to the API server in ", number(options.quietMs / 1_000), " s without a change: ", number(writes));
  say(
    'From "the Deployment is available" to "the sentinel is ready": p50 ',
    number(readyP50),
    " ms, p99 ",
    number(readyP99),
    " ms",
  );
}

function seconds(ms: number): Figure {
  return number(ms / 1_000, 1);
}
