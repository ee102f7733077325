import { describe, expect, test } from "vitest";
import { failureOf, isOvertaken } from "../../../../src/agent/kubernetes/applying/refusals.ts";
import { KubeError } from "../../../../src/agent/kubernetes/kube-client.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";

const FIELD_CONFLICT = [{ reason: "FieldManagerConflict", field: ".spec.replicas", message: 'conflict with "helm"' }];

describe("an answer of the API server", () => {
  test.each([
    [
      "admission or access control",
      new KubeError("denied the request", 403, "Forbidden"),
      DeployFailureClass.FORBIDDEN,
    ],
    ["a quota", new KubeError("forbidden: exceeded quota: q", 403, "Forbidden"), DeployFailureClass.QUOTA],
    [
      "a quota that wants limits",
      new KubeError("failed quota: q: must specify", 403, "Forbidden"),
      DeployFailureClass.QUOTA,
    ],
    ["an invalid value", new KubeError("Required value", 422, "Invalid"), DeployFailureClass.REJECTED],
    ["an unknown field", new KubeError("strict decoding error", 400, "BadRequest"), DeployFailureClass.REJECTED],
    ["a field of somebody", new KubeError("conflict", 409, "Conflict", FIELD_CONFLICT), DeployFailureClass.CONFLICT],
    ["no namespace", new KubeError('namespaces "a" not found', 404, "NotFound"), DeployFailureClass.INVALID_CONFIG],
  ])("%s: a refusal, which looking again does not change", (_, error, failureClass) => {
    expect(failureOf(error)).toMatchObject({ failureClass, reason: expect.stringContaining(error.message) });
    expect(isOvertaken(error)).toBe(false);
  });

  test.each([
    ["it changed", new KubeError("the object has been modified", 409, "Conflict")],
    ["it is there already", new KubeError("already exists", 409, "AlreadyExists")],
    ["it is gone", new KubeError('deployments.apps "a" not found', 404, "NotFound")],
  ])("%s: no refusal, looking again tells", (_, error) => {
    expect(failureOf(error)).toBeUndefined();
    expect(isOvertaken(error)).toBe(true);
  });

  test.each([
    ["no answer", new KubeError("does not answer", 0, "Unreachable")],
    ["a fault of its own", new KubeError("failed calling webhook", 500, "InternalError")],
    ["credentials", new KubeError("Unauthorized", 401, "Unauthorized")],
    ["a fault of ours", new TypeError("x is not a function")],
  ])("%s: neither", (_, error) => {
    expect(failureOf(error)).toBeUndefined();
    expect(isOvertaken(error)).toBe(false);
  });

  test("words on several lines: one line", () => {
    const error = new KubeError("Apply failed with 1 conflict:\n- .spec.replicas", 422, "Invalid");
    expect(failureOf(error)?.reason).toBe("Apply failed with 1 conflict: - .spec.replicas");
  });
});
