import type { HydraClient } from "../../../src/client/index.ts";
import { createDeployments, type FleetOptions } from "../fleet.ts";

export interface AdoptedFleet extends FleetOptions {
  readonly region: string;
}

/**
 * Creates Deployments and registers a sentinel for each: `snt-001-east` for
 * Deployment `snt-001`, so that waves, which go by id, take from all regions.
 */
export async function adoptDeployments(
  { sentinels }: HydraClient,
  kubeconfig: string,
  count: number,
  fleet: AdoptedFleet,
): Promise<string[]> {
  const names = await createDeployments(kubeconfig, count, fleet);
  const specs = names.map((name) => ({
    id: `${name}-${fleet.region}`,
    regionId: fleet.region,
    k8sNamespace: fleet.namespace,
    k8sName: name,
    image: fleet.image,
    desiredReplicas: fleet.replicas ?? 1,
  }));
  async function* pages() {
    yield { sentinels: specs };
  }
  await sentinels.importSentinels(pages());
  return specs.map(({ id }) => id);
}
