import { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import { KubeError } from "../kube-client.ts";
import type { Failure } from "../objects.ts";

/** What hydra itself sees cannot work: nothing was asked of the cluster. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/** A field belongs to somebody else, and hydra was told not to take it. */
const FIELD_CONFLICT = "FieldManagerConflict";

const OVERTAKEN = new Set(["Conflict", "AlreadyExists"]);
const NAMESPACE_MISSING = /namespaces? "[^"]*" not found/;
const ACCESS_DENIED = /is forbidden: User ".*" cannot \w+ resource/;
const QUOTA = /exceeded quota|failed quota/;

/** What of the API server's answers is a refusal: trying again alone changes nothing. */
const REFUSALS: readonly { readonly is: (error: KubeError) => boolean; readonly failureClass: DeployFailureClass }[] = [
  { is: (error) => error.status === 403 && QUOTA.test(error.message), failureClass: DeployFailureClass.QUOTA },
  { is: (error) => error.status === 403, failureClass: DeployFailureClass.FORBIDDEN },
  { is: (error) => error.status === 422 || error.status === 400, failureClass: DeployFailureClass.REJECTED },
  { is: isFieldConflict, failureClass: DeployFailureClass.CONFLICT },
  { is: isNamespaceMissing, failureClass: DeployFailureClass.INVALID_CONFIG },
];

/** What to do about it, where the API server's own words do not tell. */
const ADVICE: Partial<Record<DeployFailureClass, string>> = {
  [DeployFailureClass.CONFLICT]: "; hydra takes such fields over unless the agent runs with --no-force",
  [DeployFailureClass.INVALID_CONFIG]: "; create the namespace, or let the agent do so with --create-namespaces",
};

/** The failure of a deploy that an error is; undefined: trouble that may pass. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Refusal) return error.failure;
  if (!(error instanceof KubeError)) return undefined;
  const refusal = REFUSALS.find(({ is }) => is(error));
  if (!refusal) return undefined;
  const { failureClass } = refusal;
  return { failureClass, reason: `${words(error)}${ADVICE[failureClass] ?? ""}` };
}

/** The object was changed, made or removed between looking and writing: looking again tells. */
export function isOvertaken(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  if (error.status === 409) return OVERTAKEN.has(error.reason) && !isFieldConflict(error);
  return isNotFound(error) && !isNamespaceMissing(error);
}

/** It is access control that says no, not admission: nobody has looked at what was asked for. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof KubeError && error.status === 403 && ACCESS_DENIED.test(error.message);
}

export function isNotFound(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 404;
}

export function isNamespaceMissing(error: unknown): boolean {
  return isNotFound(error) && NAMESPACE_MISSING.test(error.message);
}

export function isAlreadyThere(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === "AlreadyExists";
}

function isFieldConflict(error: KubeError): boolean {
  return error.status === 409 && error.causes.some(({ reason }) => reason === FIELD_CONFLICT);
}

/** The API server's words in one line. */
function words(error: KubeError): string {
  return error.message.replaceAll(/\s*\n\s*/g, " ").trim();
}
