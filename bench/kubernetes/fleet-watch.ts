import { AppsV1Api, type Informer, makeInformer, type V1Deployment } from "@kubernetes/client-node";
import { readKubeconfig } from "../../test/kube/kubeconfig.ts";

/** Somebody who watches the Deployments of a namespace and has nothing to do with hydra. */
export class FleetWatch implements AsyncDisposable {
  readonly #informer: Informer<V1Deployment>;
  /** When a Deployment was first seen available on an image, by both, in ms of this process's clock. */
  readonly #availableAt = new Map<string, Map<string, number>>();
  #waiting: { image: string; count: number; resolve: () => void } | undefined;

  private constructor(informer: Informer<V1Deployment>) {
    this.#informer = informer;
    for (const verb of ["add", "update"] as const) informer.on(verb, (deployment) => this.#see(deployment));
  }

  static async start(kubeconfig: string, namespace: string): Promise<FleetWatch> {
    const config = readKubeconfig(kubeconfig);
    const apps = config.makeApiClient(AppsV1Api);
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const watch = new FleetWatch(makeInformer(config, path, () => apps.listNamespacedDeployment({ namespace })));
    await watch.#informer.start();
    return watch;
  }

  /** By the Deployment's name. */
  availableAt(image: string): ReadonlyMap<string, number> {
    return this.#availableAt.get(image) ?? new Map();
  }

  /** Until so many Deployments are available on an image. */
  async untilAvailable(image: string, count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { image, count, resolve };
    this.#wake();
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#informer.stop();
  }

  #see({ metadata, spec, status }: V1Deployment): void {
    const image = spec?.template.spec?.containers[0]?.image ?? "";
    const name = metadata?.name ?? "";
    const replicas = spec?.replicas ?? 1;
    const isObserved = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
    const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
    if (!isObserved || counts.some((count) => count !== replicas)) return;
    const times = this.#availableAt.get(image) ?? new Map<string, number>();
    this.#availableAt.set(image, times);
    if (!times.has(name)) times.set(name, performance.now());
    this.#wake();
  }

  #wake(): void {
    if (!this.#waiting) return;
    const { image, count, resolve } = this.#waiting;
    if (this.availableAt(image).size >= count) resolve();
  }
}
