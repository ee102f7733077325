import type { V1Deployment } from "@kubernetes/client-node";
import { DeployFailureClass, type DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { KubeError } from "../kube-client.ts";
import { Annotation, type Place, SENTINEL_LABEL } from "../objects.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { type ApplyPlan, type Live, planApply } from "./apply-plan.ts";
import { hasAutoscaler } from "./autoscaler.ts";
import { autoscalerDecides, desiredReplicas } from "./desired-replicas.ts";
import { FIELD_MANAGER, type FieldPath, keepingFields } from "../field-ownership.ts";
import { objectPath } from "./kube-paths.ts";
import { Refusal } from "./refusals.ts";
import { specOf } from "./spec-fields.ts";

const NAMES = new Intl.ListFormat("en", { type: "conjunction" });

/** Applies what is desired to a Deployment that is there, as it was just seen. */
export class ExistingDeployment {
  readonly #options: ApplierOptions;
  /** Deployments of which was told that an autoscaler decides on their replicas. */
  readonly #told = new Set<string>();

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /**
   * Answers with the Deployment as it is then.
   *
   * @throws Refusal
   * @throws KubeError, also where the Deployment has changed since it was seen.
   */
  async apply(desired: DesiredSentinel, deployment: V1Deployment, signal: AbortSignal): Promise<V1Deployment> {
    const live = this.#look(deployment);
    if (deployment.metadata?.deletionTimestamp) {
      throw new KubeError(`Deployment ${desired.k8sName} is being deleted`, 409, "Terminating");
    }
    const plan = planApply(desired, await this.#replicas(desired, live, signal), live);
    const base = plan.keepOnly ? await this.#letGo(deployment, plan.keepOnly, signal) : deployment;
    const applied = await this.#write(desired, base, plan, signal);
    this.#tellTakenFrom(desired, plan);
    return applied;
  }

  #look(deployment: V1Deployment): Live {
    const containers = deployment.spec?.template.spec?.containers ?? [];
    const container = containers.find(({ name }) => name === this.#options.container);
    if (!container) {
      const names = NAMES.format(containers.map(({ name }) => name));
      const reason =
        `no container is named ${this.#options.container}: there ${containers.length === 1 ? "is" : "are"} ${names}; ` +
        "start the agent with --container and the right name";
      throw new Refusal({ failureClass: DeployFailureClass.INVALID_CONFIG, reason });
    }
    const before = deployment.metadata?.annotations?.[Annotation.REPLICAS_BEFORE_STANDBY];
    const beforeStandby = before !== undefined && /^[1-9]\d{0,8}$/.test(before) ? Number(before) : undefined;
    return { deployment, container, replicas: { now: deployment.spec?.replicas ?? 1, beforeStandby } };
  }

  async #replicas(desired: DesiredSentinel, live: Live, signal: AbortSignal): Promise<number | undefined> {
    const replicas = desiredReplicas(desired, live.replicas);
    if (!autoscalerDecides(replicas, live.replicas)) return replicas;
    const place = placeOf(desired);
    const key = `${place.namespace}/${place.name}`;
    if (!(await hasAutoscaler(this.#options.client, place, signal))) {
      this.#told.delete(key);
      return replicas;
    }
    if (!this.#told.has(key)) {
      const fields = { sentinelId: desired.sentinelId, ...place, desired: replicas, replicas: live.replicas.now };
      this.#options.log.warn(fields, "replicas are left to the HorizontalPodAutoscaler");
    }
    this.#told.add(key);
    return undefined;
  }

  /** Changes who is on record for the spec, and no value of it. */
  #letGo(deployment: V1Deployment, kept: readonly FieldPath[], signal: AbortSignal): Promise<V1Deployment> {
    const { namespace = "", name = "", resourceVersion, managedFields = [] } = deployment.metadata ?? {};
    return this.#options.client.request("PATCH", objectPath("Deployment", { namespace, name }), {
      query: { fieldManager: FIELD_MANAGER },
      contentType: "application/json-patch+json",
      body: [
        { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
        { op: "replace", path: "/metadata/managedFields", value: keepingFields(managedFields, kept) },
      ],
      signal,
    });
  }

  #write(desired: DesiredSentinel, base: V1Deployment, plan: ApplyPlan, signal: AbortSignal): Promise<V1Deployment> {
    const { client, force, container } = this.#options;
    const place = placeOf(desired);
    const spec = specOf(plan.values, container);
    return client.request("PATCH", objectPath("Deployment", place), {
      query: { fieldManager: FIELD_MANAGER, force: String(force) },
      contentType: "application/apply-patch+yaml",
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: {
          ...place,
          // With these it is this very Deployment as it was seen, or nothing is written.
          uid: base.metadata?.uid,
          resourceVersion: base.metadata?.resourceVersion,
          labels: { [SENTINEL_LABEL]: desired.sentinelId },
          annotations: plan.annotations,
        },
        ...(spec && { spec }),
      },
      signal,
    });
  }

  #tellTakenFrom(desired: DesiredSentinel, { takenFrom }: ApplyPlan): void {
    if (takenFrom === "") return;
    const fields = { sentinelId: desired.sentinelId, ...placeOf(desired), takenFrom };
    this.#options.log.info(fields, "took over fields that somebody else had set");
  }
}

function placeOf({ k8sNamespace: namespace, k8sName: name }: DesiredSentinel): Place {
  return { namespace, name };
}
