import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { V1Deployment, V1ManagedFieldsEntry } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { planApply } from "../../../../src/agent/kubernetes/applying/apply-plan.ts";
import { specOf } from "../../../../src/agent/kubernetes/applying/spec-fields.ts";
import type { Plain } from "../../../../src/agent/kubernetes/plain.ts";
import { containerPath } from "../../../../src/agent/kubernetes/field-ownership.ts";
import { DesiredSentinelSchema } from "../../../../src/gen/hydra/v1/cluster_pb.ts";

const IMAGE = { "f:image": {}, "f:name": {}, ".": {} };

describe("a plan", () => {
  test("P1: the value changes: it is written, and taken from all who set it", () => {
    const managedFields = [entry("helm", { "f:image": {} }), entry("kubectl-set", { "f:image": {} })];
    expect(plan({ image: "s:2" }, managedFields)).toMatchObject({
      values: { image: "s:2" },
      takenFrom: "image from helm and kubectl-set",
    });
  });

  test("P1: the value is so by somebody else's hand: it is not written", () => {
    expect(plan({ image: "s:1" }, [entry("helm", { "f:image": {} })])).toMatchObject({
      values: {},
      takenFrom: "",
      keepOnly: undefined,
    });
  });

  test("P1: the value is so by hydra's hand: it is written again, or server-side apply would remove it", () => {
    expect(plan({ image: "s:1" }, [entry("hydra", IMAGE)])).toMatchObject({
      values: { image: "s:1" },
      keepOnly: undefined,
    });
  });

  test("P2: hydra has written what it is not to set any more: it lets go of it, and of nothing else", () => {
    const resources = { "f:resources": { "f:requests": { "f:cpu": {} }, "f:limits": { "f:cpu": {} } } };
    const held = entry("hydra", { ...IMAGE, ...resources }, { "f:replicas": {} });
    expect(plan({ image: "s:2" }, [held])).toMatchObject({
      values: { image: "s:2" },
      keepOnly: [containerPath("sentinel", "f:image")],
    });
    expect(plan({ image: "s:2", desiredReplicas: 5, cpuMillicores: 100 }, [held]).keepOnly).toBeUndefined();
  });

  test("P2: hydra is on record for all of an object that it made: it lets go of what it does not set", () => {
    const creation = { ...entry("hydra", { ...IMAGE, "f:ports": {} }, { "f:selector": {} }), operation: "Update" };
    expect(plan({ image: "s:2" }, [creation])).toMatchObject({ keepOnly: [containerPath("sentinel", "f:image")] });
  });

  test("one amount of two comes from somebody: the field is named once", () => {
    const limits = { "f:resources": { "f:limits": { "f:cpu": {}, "f:memory": {} } } };
    const { takenFrom } = plan({ image: "s:1", cpuMillicores: 100, memoryMib: 64 }, [entry("vpa", limits)]);
    expect(takenFrom).toBe("resources from vpa");
  });

  test("P3: the spec to write has the image, the resources and replicas, and nothing else", () => {
    expect(specOf({}, "sentinel")).toBeUndefined();
    expect(specOf({ replicas: 0 }, "sentinel")).toEqual({ replicas: 0 });
    expect(specOf({ image: "s:2", memory: "1Gi" }, "sentinel")).toEqual({
      template: {
        spec: {
          containers: [
            { name: "sentinel", image: "s:2", resources: { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } } },
          ],
        },
      },
    });
  });
});

function plan(row: MessageInitShape<typeof DesiredSentinelSchema>, managedFields: V1ManagedFieldsEntry[]) {
  const container = { name: "sentinel", image: "s:1" };
  const template = { spec: { containers: [container] } };
  const deployment: V1Deployment = { metadata: { managedFields }, spec: { replicas: 2, selector: {}, template } };
  const desired = create(DesiredSentinelSchema, row);
  const replicas = desired.desiredReplicas > 0 ? desired.desiredReplicas : undefined;
  return planApply(desired, replicas, { deployment, container, replicas: { now: 2, beforeStandby: undefined } });
}

function entry(manager: string, ofContainer: object, ofSpec: object = {}): Plain<V1ManagedFieldsEntry> {
  const [, , , , item = ""] = containerPath("sentinel");
  const template = { "f:spec": { "f:containers": { [item]: ofContainer } } };
  const operation = manager === "hydra" ? "Apply" : "Update";
  return { manager, operation, fieldsV1: { "f:spec": { ...ofSpec, "f:template": template } } };
}
