import { create } from "@bufbuild/protobuf";
import { type SentinelSpec, SentinelSpecSchema } from "../../../gen/hydra/v1/sentinel_pb.ts";
import { idByPlace, isSentinelId } from "./adopted-id.ts";
import { type FoundDeployment, placeText } from "./found-deployments.ts";
import type { KnownSentinels } from "./known-sentinels.ts";

// What is to be registered of the Deployments of a cluster.
//
//   N1. A row says what runs: its image is the Deployment's, and replicas and
//       resources stay whoever's they are. So applying it changes no spec.
//   N2. What hydra knows already is left as it is.
//   N3. An id stands for one Deployment, here and everywhere.

export interface AdoptionOptions {
  readonly regionId: string;
  /** Other regions that are the same cluster. */
  readonly regionsOfCluster: readonly string[];
  /** That has the image. */
  readonly container: string;
  /** Label whose value is the id, where a Deployment has it. */
  readonly idLabel?: string | undefined;
  /** Each an id, or `label:KEY`; undefined: none. */
  readonly workspace?: string | undefined;
  readonly project?: string | undefined;
  readonly environment?: string | undefined;
}

/** One Deployment, and what becomes of it. */
export type Adoption = { readonly deployment: FoundDeployment } & (
  | { readonly verdict: "new"; readonly spec: SentinelSpec }
  | { readonly verdict: "known"; readonly id: string }
  | { readonly verdict: "refused"; readonly why: string }
);

/** By id, as waves take sentinels; those that are refused come last. Pure. */
export function planAdoption(
  found: readonly FoundDeployment[],
  known: KnownSentinels,
  options: AdoptionOptions,
): Adoption[] {
  const judged = found.map((deployment) => judge(deployment, known, options));
  const byId = Map.groupBy(judged, idOf);
  return judged.map((adoption) => refuseTwins(adoption, byId.get(idOf(adoption)) ?? [])).toSorted(inOrder);
}

function judge(deployment: FoundDeployment, known: KnownSentinels, options: AdoptionOptions): Adoption {
  const { regionId, regionsOfCluster } = options;
  const here = known.at(deployment, [regionId, ...regionsOfCluster]);
  if (here?.regionId === regionId) return { deployment, verdict: "known", id: here.id };
  const spec = here ? `it is sentinel ${here.id} of region ${here.regionId}` : specOf(deployment, options);
  if (typeof spec === "string") return { deployment, verdict: "refused", why: spec };
  const other = known.withId(spec.id);
  if (other === undefined) return { deployment, verdict: "new", spec };
  const where = placeText({ namespace: other.k8sNamespace, name: other.k8sName });
  return { deployment, verdict: "refused", why: `sentinel ${spec.id} is ${where} of region ${other.regionId}` };
}

/** A text: why there is none. */
function specOf(deployment: FoundDeployment, options: AdoptionOptions): SentinelSpec | string {
  const { namespace, name, labels, containers } = deployment;
  const { regionId, container, workspace, project, environment } = options;
  if (deployment.terminating) return "it is being deleted";
  const image = containers.find((each) => each.name === container)?.image;
  if (image === undefined) {
    return `it has no container ${container}, it has ${containers.map((each) => each.name).join(", ")}: see --container`;
  }
  const wanted = [workspace, project, environment].map(labelIn);
  const missing = wanted.find((label) => label !== undefined && labels[label] === undefined);
  if (missing !== undefined) return `it has no label ${missing}`;
  const id = idFor(deployment, options);
  if (!isSentinelId(id)) return `its label says that its id is ${JSON.stringify(id)}, which no sentinel can have`;
  return create(SentinelSpecSchema, {
    id,
    regionId,
    k8sNamespace: namespace,
    k8sName: name,
    image,
    // N1: 0 leaves them alone; unset would be one.
    desiredReplicas: 0,
    ...textOf("workspaceId", workspace, labels),
    ...textOf("projectId", project, labels),
    ...textOf("environmentId", environment, labels),
  });
}

function idFor(deployment: FoundDeployment, { idLabel, regionId }: AdoptionOptions): string {
  const labelled = idLabel === undefined ? undefined : deployment.labels[idLabel];
  return deployment.sentinelId ?? labelled ?? idByPlace(deployment, regionId);
}

function textOf(field: string, value: string | undefined, labels: FoundDeployment["labels"]): Record<string, string> {
  const label = labelIn(value);
  const text = label === undefined ? value : labels[label];
  return text === undefined ? {} : { [field]: text };
}

/** Of `label:KEY` the key. */
function labelIn(value: string | undefined): string | undefined {
  return /^label:(.+)$/.exec(value ?? "")?.[1];
}

const MOST_NAMED = 3;

/** N3 among those that are found. */
function refuseTwins(adoption: Adoption, twins: readonly Adoption[]): Adoption {
  const { deployment, verdict } = adoption;
  if (verdict !== "new" || twins.length === 1) return adoption;
  // One more than is named, since it may be among them itself.
  const near = twins.slice(0, MOST_NAMED + 1).filter((twin) => twin.deployment !== deployment);
  const named = near.slice(0, MOST_NAMED).map((twin) => placeText(twin.deployment));
  const more = twins.length - 1 - named.length;
  const others = [...named, ...(more > 0 ? [`${more} more`] : [])].join(" and ");
  return { deployment, verdict: "refused", why: `its id ${idOf(adoption)} is also that of ${others}` };
}

/** Undefined: it gets none. */
export function idOf(adoption: Adoption): string | undefined {
  switch (adoption.verdict) {
    case "new":
      return adoption.spec.id;
    case "known":
      return adoption.id;
    default:
      return undefined;
  }
}

function inOrder(one: Adoption, other: Adoption): number {
  const [a, b] = [one, other].map((each) => idOf(each) ?? `~${placeText(each.deployment)}`) as [string, string];
  return a < b ? -1 : Number(a > b);
}
