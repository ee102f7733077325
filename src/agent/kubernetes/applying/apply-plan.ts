import type { V1Container, V1Deployment } from "@kubernetes/client-node";
import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { Annotation } from "../objects.ts";
import { type KnownReplicas, replicasBeforeStandby } from "./desired-replicas.ts";
import { appliedFields, type FieldPath, holdsCreation, ownersOf, sameField } from "../field-ownership.ts";
import { configurationOf } from "./news.ts";
import { type SpecField, type SpecValues, specFields } from "./spec-fields.ts";

// What to write on a Deployment that exists.
//
//   P1. A field is written where its value changes, or where hydra has written it
//       before: server-side apply removes what an apply leaves out. One that has
//       the desired value by somebody else's hand stays that somebody's.
//   P2. A field that hydra has written and is not to set any more is let go of
//       first, with its value: it is never removed.
//   P3. Of the pod template only the container's image and resources are written:
//       anything else would roll pods that run the right thing already.

export interface ApplyPlan {
  readonly values: SpecValues;
  readonly annotations: Readonly<Record<string, string>>;
  /** Whose fields are taken over, in words; empty: nobody's. */
  readonly takenFrom: string;
  /** Hydra has written more than that: it has to let go of all but these fields before (P2). */
  readonly keepOnly: readonly FieldPath[] | undefined;
}

export interface Live {
  readonly deployment: V1Deployment;
  readonly container: V1Container;
  readonly replicas: KnownReplicas;
}

/** @param replicas To be set; undefined: left alone. */
export function planApply(desired: DesiredSentinel, replicas: number | undefined, live: Live): ApplyPlan {
  const { deployment, container } = live;
  const entries = deployment.metadata?.managedFields ?? [];
  const written = appliedFields(entries);
  const isWritten = ({ paths }: SpecField) => paths.some((path) => written.some((one) => sameField(one, path)));
  const fields = specFields(desired, replicas, deployment, container).filter(
    (field) => !field.isSo || isWritten(field),
  );
  const kept = fields.flatMap(({ paths }) => paths);
  const holdsMore = holdsCreation(entries) || written.some((one) => !kept.some((path) => sameField(one, path)));
  const takenFrom = describeOwners(fields, live);
  return {
    values: Object.fromEntries(fields.map(({ name, value }) => [name, value])),
    annotations: annotationsOf(desired, takenFrom, replicasBeforeStandby(desired, live.replicas)),
    takenFrom,
    keepOnly: holdsMore ? kept : undefined,
  };
}

/** What an apply says of itself on the Deployment. */
export function annotationsOf(
  desired: DesiredSentinel,
  takenFrom: string,
  beforeStandby: number | undefined,
): Record<string, string> {
  return {
    [Annotation.GENERATION]: String(desired.generation),
    [Annotation.DEPLOY]: String(desired.deployNumber),
    [Annotation.CONFIGURATION]: configurationOf(desired),
    ...(takenFrom !== "" && { [Annotation.TAKEN_FROM]: takenFrom }),
    ...(beforeStandby !== undefined && { [Annotation.REPLICAS_BEFORE_STANDBY]: String(beforeStandby) }),
  };
}

/** `image from kubectl-edit, replicas from kube-controller-manager`. */
function describeOwners(fields: readonly SpecField[], { deployment }: Live): string {
  const entries = deployment.metadata?.managedFields ?? [];
  const changed = fields.filter(({ isSo }) => !isSo);
  const byLabel = Map.groupBy(changed, ({ label }) => label);
  return [...byLabel]
    .flatMap(([label, ofLabel]) => {
      const owners = new Set(ofLabel.flatMap(({ paths }) => paths.flatMap((path) => ownersOf(entries, path))));
      return owners.size === 0 ? [] : [`${label} from ${[...owners].join(" and ")}`];
    })
    .join(", ");
}
