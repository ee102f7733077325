import { DeployFailureClass, DeployFailureClassSchema } from "../../gen/hydra/v1/cluster_pb.ts";

/** How a sentinel fails on every new image. */
export interface SimulatedFailure {
  /** UNSPECIFIED: the cluster gives no verdict, the sentinel just stays unhealthy. */
  readonly failureClass: DeployFailureClass;
  /** For a person. */
  readonly reason: string;
}

/** Words of a made-up cluster; every class has some. */
const REASONS: Record<string, string> = {
  image_pull: "the image cannot be pulled: not found in its registry",
  crash_loop: "the container crashes again and again: exit code 1",
  progress_deadline: "the new replicas did not become available before the progress deadline",
  quota: "the namespace's quota does not allow the new replicas",
  rejected: "the cluster refused the configuration",
  other: "the new replicas do not work",
  unschedulable: "no node takes the new replicas: 3 nodes, not enough memory on any",
  forbidden: "the cluster's admission refused the new replicas",
  invalid_config: "the new replicas cannot start: their ConfigMap does not exist",
  conflict: "somebody else decides on the image, and it may not be taken over",
  missing: "its Deployment was deleted by somebody else",
};

const CLASSES = new Map(
  DeployFailureClassSchema.values
    .filter(({ number }) => number !== DeployFailureClass.UNSPECIFIED)
    .map(({ number, localName }) => [localName.toLowerCase(), number as DeployFailureClass]),
);

/** The failures by sentinel id, from the names of their classes ('': none). Throws on a name that is no class. */
export function failuresFromNames(names: ReadonlyMap<string, string>): ReadonlyMap<string, SimulatedFailure> {
  return new Map([...names].map(([sentinelId, name]) => [sentinelId, failureFromName(sentinelId, name)]));
}

function failureFromName(sentinelId: string, name: string): SimulatedFailure {
  if (name === "") {
    return { failureClass: DeployFailureClass.UNSPECIFIED, reason: "the new replicas do not become ready" };
  }
  const failureClass = CLASSES.get(name);
  if (failureClass === undefined) {
    throw new Error(
      `sentinel ${sentinelId} cannot fail with ${JSON.stringify(name)}: accepted are ${[...CLASSES.keys()].join(", ")}, ` +
        "or no class for one that just stays unhealthy",
    );
  }
  return { failureClass, reason: REASONS[name] ?? name };
}
