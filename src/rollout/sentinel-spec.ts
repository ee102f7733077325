import { TerminalError } from "../engine/index.ts";
import { type SentinelSpec, SentinelDesiredState } from "../gen/hydra/v1/sentinel_pb.ts";
import type { SentinelSpecRow, UpsertSentinelResult } from "./effects/upsert-sentinels.ts";
import { checkImageReference } from "./image-reference.ts";
import { desiredStates } from "./reading/index.ts";
import { checkSentinelId } from "./sentinel-id.ts";

const LONGEST_TEXT = 253;
// Wider than what Kubernetes takes: the cluster has the last word on its names.
const PLACE_NAME = /^[A-Za-z0-9]([-A-Za-z0-9._]{0,251}[A-Za-z0-9])?$/;

/**
 * What is said of a sentinel as a row for `upsertSentinels`. `request` names
 * the call: its rows are written all or none. Throws a TerminalError of kind
 * `invalid`.
 */
export function sentinelSpecRow(spec: SentinelSpec, request: string): SentinelSpecRow {
  checkSentinelId(spec.id);
  if (spec.image !== undefined) checkImageReference(spec.image);
  return {
    request,
    sentinelId: spec.id,
    workspaceId: text(spec, "workspace_id", spec.workspaceId),
    projectId: text(spec, "project_id", spec.projectId),
    environmentId: text(spec, "environment_id", spec.environmentId),
    regionId: requiredText(spec, "region_id", spec.regionId),
    k8sNamespace: placeName(spec, "k8s_namespace", spec.k8sNamespace),
    k8sName: placeName(spec, "k8s_name", spec.k8sName),
    image: spec.image ?? null,
    desiredState: desiredState(spec),
    desiredReplicas: count(spec, "desired_replicas", spec.desiredReplicas),
    cpuMillicores: count(spec, "cpu_millicores", spec.cpuMillicores),
    memoryMib: count(spec, "memory_mib", spec.memoryMib),
  };
}

/** Why a row was not written, itself being at fault; undefined: it was, or another row of its request is at fault. */
export function upsertRefusal(
  { sentinelId }: SentinelSpecRow,
  result: UpsertSentinelResult,
): TerminalError | undefined {
  const start = `sentinel ${sentinelId}`;
  switch (result.problem) {
    case null:
      return undefined;
    case "incomplete":
      return new TerminalError(`${start} is new: region_id, k8s_namespace, k8s_name and image are required`, "invalid");
    case "repeated":
      return new TerminalError(`${start} is there twice; each id may come once`, "invalid");
    case "place_taken":
      return new TerminalError(
        `${start}: another sentinel has the same region_id, k8s_namespace and k8s_name; each place is for one sentinel`,
        "already_exists",
      );
    default:
      return result.problem satisfies never;
  }
}

function text({ id }: SentinelSpec, field: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (value.length <= LONGEST_TEXT && !value.includes("\0")) return value;
  throw refuse(id, field, `up to ${LONGEST_TEXT} characters without NUL`);
}

function requiredText(spec: SentinelSpec, field: string, value: string | undefined): string | null {
  if (value === "") throw refuse(spec.id, field, "a text that is not empty");
  return text(spec, field, value);
}

function placeName({ id }: SentinelSpec, field: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (PLACE_NAME.test(value)) return value;
  throw refuse(id, field, "up to 253 letters, digits, '-', '.' and '_', the first and the last a letter or digit");
}

function desiredState({ id, desiredState: value }: SentinelSpec): string | null {
  if (value === undefined || value === SentinelDesiredState.UNSPECIFIED) return null;
  const name = desiredStates.nameOf(value);
  if (name === undefined) throw refuse(id, "desired_state", desiredStates.names.join(", "));
  return name;
}

function count({ id }: SentinelSpec, field: string, value: number | undefined): number | null {
  if (value === undefined) return null;
  if (value >= 0) return value;
  throw refuse(id, field, "0 and above");
}

function refuse(sentinelId: string, field: string, accepted: string): TerminalError {
  return new TerminalError(`sentinel ${sentinelId}: ${field}: accepted is ${accepted}`, "invalid");
}
