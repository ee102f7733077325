import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { DeployFailureClass, ObservedSentinelSchema } from "../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelHealth, SentinelSpecSchema } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { reportRow, sentinelSpecRow } from "../../src/rollout/index.ts";

describe("sentinelSpecRow", () => {
  test("unset fields: null, which keeps the current value", () => {
    const row = sentinelSpecRow(create(SentinelSpecSchema, { id: "snt_1", desiredReplicas: 0 }), "import 1");
    expect(row).toMatchObject({
      request: "import 1",
      sentinelId: "snt_1",
      image: null,
      desiredState: null,
      desiredReplicas: 0,
    });
  });

  test("a desired state: by the name that tables have", () => {
    const spec = create(SentinelSpecSchema, { id: "snt_1", desiredState: SentinelDesiredState.STANDBY });
    expect(sentinelSpecRow(spec, "1").desiredState).toBe("standby");
  });

  test.each([
    [{ id: "" }, "sentinel id"],
    [{ id: "snt_1", image: "A B" }, "image"],
    [{ id: "snt_1", image: "" }, "image is required"],
    [{ id: "snt_1", regionId: "" }, "region_id"],
    [{ id: "snt_1", k8sName: "a b" }, "k8s_name"],
    [{ id: "snt_1", k8sNamespace: "a/b" }, "k8s_namespace"],
    [{ id: "snt_1", workspaceId: "a\0" }, "workspace_id"],
    [{ id: "snt_1", desiredReplicas: -1 }, "desired_replicas"],
    [{ id: "snt_1", desiredState: 9 as SentinelDesiredState }, "desired_state"],
  ])("%j: refused as invalid, naming the field", (spec, field) => {
    const make = () => sentinelSpecRow(create(SentinelSpecSchema, spec), "1");
    expect(make).toThrow(expect.objectContaining({ kind: "invalid" }));
    expect(make).toThrow(field);
  });
});

describe("reportRow", () => {
  const observed = create(ObservedSentinelSchema, {
    sentinelId: "snt_1",
    deployNumber: 3n,
    reportOrder: 7n,
    health: SentinelHealth.HEALTHY,
    failureClass: DeployFailureClass.IMAGE_PULL,
    reason: "not \0 found",
  });

  test("names as tables have them, numbers as numbers, text without NUL", () => {
    expect(reportRow(observed, "eu")).toMatchObject({
      regionId: "eu",
      deployNumber: 3,
      reportOrder: 7,
      health: "healthy",
      failureClass: "image_pull",
      reason: "not  found",
    });
  });

  test("a failure class of a newer version: a failure all the same", () => {
    expect(reportRow({ ...observed, failureClass: 99 as DeployFailureClass }, "eu").failureClass).toBe("other");
  });

  test.each([{ availableReplicas: -1 }, { deployNumber: -1n }, { reportOrder: 2n ** 60n }])(
    "%o: refused as invalid",
    (part) => {
      expect(() => reportRow({ ...observed, ...part }, "eu")).toThrow(expect.objectContaining({ kind: "invalid" }));
    },
  );
});
