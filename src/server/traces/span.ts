/** A span that is over, before it takes OpenTelemetry's shape. Times are microseconds since 1970. */
export interface Span {
  readonly name: SpanName;
  /** 16 hex digits; the same whenever and by whomever it is made. */
  readonly id: string;
  readonly parentId: string | undefined;
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** What went wrong, for a person. Unset: nothing did. */
  readonly error?: string;
}

export type SpanName = "rollout" | "wave" | "pause" | "deploy" | "recovery" | "rollback" | "revert";

/** Names of attributes: those of OpenTelemetry's conventions where there is one, else ours. */
export const Attribute = {
  deploymentId: "deployment.id",
  deploymentName: "deployment.name",
  deploymentStatus: "deployment.status",
  errorType: "error.type",
  k8sDeployment: "k8s.deployment.name",
  k8sNamespace: "k8s.namespace.name",
  rolloutId: "hydra.rollout.id",
  rolloutState: "hydra.rollout.state",
  total: "hydra.rollout.total",
  ready: "hydra.ready",
  failed: "hydra.failed",
  skipped: "hydra.skipped",
  reverted: "hydra.reverted",
  waveIndex: "hydra.wave.index",
  wavePercentage: "hydra.wave.percentage",
  waveSize: "hydra.wave.size",
  sentinelId: "hydra.sentinel.id",
  region: "hydra.region.id",
  image: "hydra.image",
  previousImage: "hydra.previous_image",
  outcome: "hydra.outcome",
  reason: "hydra.reason",
} as const;
