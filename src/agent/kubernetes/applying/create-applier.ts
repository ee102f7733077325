import { setTimeout as delay } from "node:timers/promises";
import type { V1Deployment } from "@kubernetes/client-node";
import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../gen/hydra/v1/sentinel_pb.ts";
import type { Applied, Applier } from "../applier.ts";
import { deploymentView } from "../deployment-view.ts";
import type { Place } from "../objects.ts";
import { AccessGrace } from "./access-grace.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { createFor } from "./creation.ts";
import { ExistingDeployment } from "./existing-deployment.ts";
import { objectPath } from "./kube-paths.ts";
import { type AppliedMark, isNews, isSameMark } from "./news.ts";
import { failureOf, isAccessDenied, isNotFound, isOvertaken } from "./refusals.ts";
import { removeFrom } from "./removal.ts";

// Writing to a cluster.
//
//   W1. What is there is looked at before each write, and written only as it was
//       seen: whatever changed meanwhile is looked at again.
//   W2. Nothing new, nothing written, whatever somebody else has changed.
//   W3. What has been applied and the mark that says so are one write.
//   W4. A refusal leaves the cluster as it was.
//   W5. Only what hydra made is removed.

/** Others change a Deployment's status several times a second while it rolls. */
const MOST_LOOKS = 10;
const WAIT_MS = 20;
const ACCESS_GRACE_MS = 30_000;

/** One for each cluster; any number of sentinels at the same time. */
export function createApplier(options: ApplierOptions): Applier {
  return new ClusterApplier(options);
}

class ClusterApplier implements Applier {
  readonly #options: ApplierOptions;
  readonly #existing: ExistingDeployment;
  readonly #access: AccessGrace;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#existing = new ExistingDeployment(options);
    this.#access = new AccessGrace(options.accessGraceMs ?? ACCESS_GRACE_MS);
  }

  async apply(desired: DesiredSentinel, signal: AbortSignal, disbelieved?: AppliedMark): Promise<Applied> {
    const place = { namespace: desired.k8sNamespace, name: desired.k8sName };
    if (desired.desiredState === SentinelDesiredState.ARCHIVED) {
      await this.remove(desired.sentinelId, place, signal);
      return { kind: "applied", deployment: undefined };
    }
    let seen: V1Deployment | undefined;
    try {
      const deployment = await this.#lookAndWrite(place, signal, (found) => {
        seen = found;
        return this.#write(desired, found, signal, disbelieved);
      });
      this.#access.granted(desired.sentinelId);
      return { kind: "applied", deployment: this.#view(deployment) };
    } catch (error) {
      const failure = failureOf(error);
      const mayPass = isAccessDenied(error) && !this.#access.isDeniedForGood(desired.sentinelId, performance.now());
      if (!failure || mayPass) throw error;
      return { kind: "refused", deployment: seen && this.#view(seen), failure };
    }
  }

  async remove(sentinelId: string, place: Place, signal: AbortSignal): Promise<void> {
    await this.#lookAndWrite(place, signal, (found) => removeFrom(place, sentinelId, found, this.#options, signal));
    this.#access.granted(sentinelId);
  }

  async #write(
    desired: DesiredSentinel,
    found: V1Deployment | undefined,
    signal: AbortSignal,
    disbelieved: AppliedMark | undefined,
  ): Promise<V1Deployment> {
    if (!found) return createFor(desired, this.#options, signal);
    const applied = this.#view(found);
    const counts = disbelieved === undefined || !isSameMark(disbelieved, applied);
    return counts && !isNews(desired, applied) ? found : this.#existing.apply(desired, found, signal);
  }

  /** W1. */
  async #lookAndWrite<T>(
    place: Place,
    signal: AbortSignal,
    write: (found: V1Deployment | undefined) => Promise<T>,
  ): Promise<T> {
    for (let looks = 1; ; looks += 1) {
      const found = await this.#look(place, signal);
      try {
        return await write(found);
      } catch (error) {
        if (!isOvertaken(error) || looks === MOST_LOOKS) throw error;
        await delay(WAIT_MS * looks * Math.random(), undefined, { signal });
      }
    }
  }

  async #look(place: Place, signal: AbortSignal): Promise<V1Deployment | undefined> {
    try {
      return await this.#options.client.request<V1Deployment>("GET", objectPath("Deployment", place), { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #view(deployment: V1Deployment) {
    return deploymentView(deployment, this.#options.container);
  }
}
