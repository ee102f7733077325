import { describe, expect, test } from "vitest";
import {
  appliedFields,
  containerPath,
  keepingFields,
  lastOwnerOf,
  ownersOf,
  REPLICAS_PATH,
  withoutHydra,
} from "../../../src/agent/kubernetes/field-ownership.ts";

const METADATA = { "f:labels": { "f:hydra.dev/sentinel.id": {} } };
const CONTAINER = { ".": {}, "f:name": {}, "f:image": {}, "f:resources": { "f:limits": { "f:cpu": {} } } };
const SPEC = specWith(CONTAINER, { "f:replicas": {} });

const HYDRA = { manager: "hydra", operation: "Apply", fieldsV1: { "f:metadata": METADATA, "f:spec": SPEC } };
const HELM = { manager: "helm", operation: "Update", time: at(1), fieldsV1: { "f:spec": { "f:replicas": {} } } };
const SCALER = { ...HELM, manager: "kube-controller-manager", subresource: "scale", time: at(2) };

describe("who is on record for a field", () => {
  test("several set it: all but hydra are its owners, and the last is the one who did so last", () => {
    expect(ownersOf([HYDRA, HELM, SCALER, HELM], REPLICAS_PATH)).toEqual(["helm", "kube-controller-manager"]);
    expect(lastOwnerOf([HELM, SCALER, HYDRA], REPLICAS_PATH)).toBe("kube-controller-manager");
    expect(lastOwnerOf([HELM], containerPath("sentinel", "f:image"))).toBeUndefined();
  });

  test("what an apply of hydra's would remove: the values, not that the container is there", () => {
    expect(appliedFields([HELM, HYDRA])).toEqual([
      REPLICAS_PATH,
      containerPath("sentinel", "f:image"),
      containerPath("sentinel", "f:resources", "f:limits", "f:cpu"),
    ]);
  });

  test("hydra keeps some: its other fields leave the record, its label and others' fields stay", () => {
    const kept = specWith({ ".": {}, "f:name": {}, "f:image": {} });
    expect(keepingFields([HYDRA, HELM], [containerPath("sentinel", "f:image")])).toEqual([
      { ...HYDRA, fieldsV1: { "f:metadata": METADATA, "f:spec": kept } },
      HELM,
    ]);
  });

  test("hydra keeps none: nothing of the spec is left, not an empty container either", () => {
    expect(keepingFields([HYDRA], [])).toEqual([{ ...HYDRA, fieldsV1: { "f:metadata": METADATA } }]);
  });

  test("hydra made the object: that entry leaves the record", () => {
    expect(keepingFields([{ ...HYDRA, operation: "Update" }, HELM], [])).toEqual([HELM]);
  });

  test("hydra leaves and nobody is left: the API server's word for nobody", () => {
    expect(withoutHydra([HYDRA, HELM])).toEqual([HELM]);
    expect(withoutHydra([HYDRA])).toEqual([{}]);
  });
});

function specWith(container: object, more: object = {}): object {
  const item = 'k:{"name":"sentinel"}';
  return { ...more, "f:template": { "f:spec": { "f:containers": { [item]: container } } } };
}

function at(second: number): Date {
  return new Date(second * 1_000);
}
