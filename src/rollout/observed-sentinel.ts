import { TerminalError } from "../engine/index.ts";
import type { ObservedSentinel } from "../gen/hydra/v1/cluster_pb.ts";
import type { ReportRow } from "./effects/record-report.ts";
import { failureClasses, healths } from "./reading/index.ts";
import { storableText } from "./storable-text.ts";

const LONGEST_REASON = 1_000;
const LONGEST_NAME = 512;

/**
 * An agent's report as a row for `recordReport`. Texts that cannot be stored
 * are cut. Throws a TerminalError of kind `invalid` on numbers out of range.
 */
export function reportRow(observed: ObservedSentinel, regionId: string): ReportRow {
  const { sentinelId, availableReplicas } = observed;
  if (availableReplicas < 0) throw refuse(sentinelId, "available_replicas", availableReplicas);
  return {
    sentinelId,
    regionId,
    deployNumber: toNumber(sentinelId, "deploy_number", observed.deployNumber),
    observedGeneration: toNumber(sentinelId, "observed_generation", observed.observedGeneration),
    deploymentUid: storableText(observed.deploymentUid, LONGEST_NAME),
    reportOrder: toNumber(sentinelId, "report_order", observed.reportOrder),
    health: healths.nameOf(observed.health) ?? "unknown",
    runningImage: storableText(observed.runningImage, LONGEST_NAME),
    availableReplicas,
    failureClass: failureClassOf(observed),
    reason: storableText(observed.reason, LONGEST_REASON),
    drift: storableText(observed.drift, LONGEST_REASON),
    takenFrom: storableText(observed.takenFrom, LONGEST_REASON),
  };
}

/** A class that this version does not know is a failure all the same. */
function failureClassOf({ failureClass }: ObservedSentinel): string {
  return failureClass === 0 ? "" : (failureClasses.nameOf(failureClass) ?? "other");
}

function toNumber(sentinelId: string, field: string, value: bigint): number {
  const number = Number(value);
  if (number >= 0 && Number.isSafeInteger(number)) return number;
  throw refuse(sentinelId, field, value);
}

function refuse(sentinelId: string, field: string, value: bigint | number): TerminalError {
  return new TerminalError(
    `report on sentinel ${JSON.stringify(sentinelId.slice(0, 80))}: ${field} is ${value}; accepted are 0 to 2^53 - 1`,
    "invalid",
  );
}
