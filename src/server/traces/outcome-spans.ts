import type { TracedOutcome, TracedRollout } from "../../rollout/index.ts";
import { Attribute, type Span } from "./span.ts";
import type { Trace } from "./trace.ts";

type Shape = Pick<Span, "name" | "id" | "parentId">;

/** The span that the outcome of a sentinel ends: its deploy, or its revert. One that recovered is a moment after its deploy. */
export function outcomeSpan(outcome: TracedOutcome, rollout: TracedRollout, trace: Trace): Span {
  const { timeUs, begunAtUs, type, reason } = outcome;
  const failed = type === "sentinel_failed" || type === "sentinel_revert_failed";
  return {
    ...shapeOf(outcome, rollout, trace),
    startUs: type === "sentinel_recovered" ? timeUs : (begunAtUs ?? timeUs),
    endUs: timeUs,
    attributes: attributesOf(outcome, failed),
    ...(failed && { error: reason }),
  };
}

function shapeOf(
  { type, sentinelId, waveIndex, sequence }: TracedOutcome,
  rollout: TracedRollout,
  trace: Trace,
): Shape {
  switch (type) {
    case "sentinel_recovered":
      return { name: "recovery", id: trace.spanId("recovery", sequence), parentId: trace.spanId("deploy", sentinelId) };
    case "sentinel_reverted":
    case "sentinel_revert_failed": {
      const started = rollout.course.findLast(
        (event) => event.type === "rollback_started" && event.sequence < sequence,
      );
      const rollback = started?.sequence ?? 0;
      return {
        name: "revert",
        id: trace.spanId("revert", `${rollback} ${sentinelId}`),
        parentId: trace.spanId("rollback", rollback),
      };
    }
    default:
      return { name: "deploy", id: trace.spanId("deploy", sentinelId), parentId: trace.spanId("wave", waveIndex) };
  }
}

function attributesOf(outcome: TracedOutcome, failed: boolean): Span["attributes"] {
  const { place, previousImage, reason, reasonClass, type } = outcome;
  const deploys = type !== "sentinel_reverted" && type !== "sentinel_revert_failed";
  return {
    [Attribute.rolloutId]: outcome.rolloutId,
    [Attribute.waveIndex]: outcome.waveIndex,
    [Attribute.sentinelId]: outcome.sentinelId,
    [Attribute.image]: outcome.image,
    [Attribute.outcome]: type.replace("sentinel_", ""),
    ...(deploys && previousImage !== "" && { [Attribute.previousImage]: previousImage }),
    ...(reason !== "" && { [Attribute.reason]: reason }),
    ...(failed && { [Attribute.errorType]: reasonClass || "_OTHER" }),
    ...(place && {
      [Attribute.region]: place.region,
      [Attribute.k8sNamespace]: place.namespace,
      [Attribute.k8sDeployment]: place.name,
    }),
  };
}
