import type { V1Deployment, V1Pod, V1ReplicaSet } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { SENTINEL_LABEL } from "../../../../src/agent/kubernetes/objects.ts";
import { ClusterCache } from "../../../../src/agent/kubernetes/watching/cluster-cache.ts";

const CLUTTER = "x".repeat(50_000);

describe("what is kept of a cluster", () => {
  test("objects with much that nobody needs: a small part of them", () => {
    const cache = createCache();
    cache.deployments.put(deployment("d"), true);
    cache.replicaSets.put(replicaSet("r", "d"), true);
    cache.pods.put(pod("p", "r"), true);
    const kept = [cache.deployment(PLACE), cache.replicaSetsOf("d"), cache.podsOf("r")];
    expect(kept).toMatchObject([{ uid: "d" }, [{ uid: "r" }], [{ uid: "p" }]]);
    const sizes = kept.map(
      (view) => JSON.stringify(view, (_, value) => (typeof value === "bigint" ? 0 : value)).length,
    );
    expect(Math.max(...sizes)).toBeLessThan(5_000);
  });

  test("thousands of pods of others, listed and changing: none is kept", () => {
    const cache = createCache();
    cache.deployments.heard(100n);
    cache.replicaSets.put(replicaSet("theirs", "another"), true);
    cache.replicaSets.heard(100n);
    for (let number = 0; number < 2_000; number += 1) cache.pods.put(pod(`p${number}`, "theirs"), number % 2 === 0);
    expect(cache.sizes()).toEqual({ deployments: 0, replicaSets: 0, pods: 0 });
  });

  test("a pod is heard of before its ReplicaSet, which turns out to be somebody else's: it is kept until then (O2)", () => {
    const cache = createCache();
    cache.deployments.put(deployment("d"), true);
    cache.deployments.heard(100n);
    cache.replicaSets.heard(100n);
    cache.pods.put(pod("p", "r", "105"), false);
    expect(cache.sizes()).toMatchObject({ pods: 1 });
    cache.replicaSets.heard(106n);
    expect(cache.sizes()).toMatchObject({ pods: 0 });
  });

  test("the label goes, or another Deployment comes in its place: what belonged to it is dropped (O1)", () => {
    const cache = createCache();
    cache.deployments.put(deployment("d"), true);
    cache.replicaSets.put(replicaSet("r", "d"), true);
    cache.pods.put(pod("p", "r"), true);
    cache.deployments.put(deployment("d2"), false);
    expect(cache.sizes()).toEqual({ deployments: 1, replicaSets: 0, pods: 0 });
    cache.deployments.remove("d2");
    expect(cache.deployment(PLACE)).toBeUndefined();
  });

  test("what is listed anew lacks a pod, and shows another as it was before: so it is (I4, O3)", () => {
    const cache = createCache();
    cache.deployments.put(deployment("d"), true);
    cache.replicaSets.put(replicaSet("r", "d"), true);
    for (const uid of ["p", "q"]) cache.pods.put(pod(uid, "r", "50"), true);
    cache.pods.put(pod("p", "r", "40"), false);
    expect(cache.podsOf("r").map(({ resourceVersion }) => resourceVersion)).toEqual([50n, 50n]);
    cache.pods.put(pod("p", "r", "40"), true);
    cache.pods.keepOnly(new Set(["p"]));
    expect(cache.podsOf("r").map(({ uid, resourceVersion }) => `${uid} ${resourceVersion}`)).toEqual(["p 40"]);
  });
});

const PLACE = { namespace: "n", name: "a" };

function createCache(): ClusterCache {
  return new ClusterCache({ container: "sentinel", onChange: () => {}, onNewDeployment: () => {} });
}

function metadata(uid: string, ownerKind?: string, ownerUid = "", resourceVersion = "10") {
  const owner = { apiVersion: "v1", kind: ownerKind ?? "", name: "", uid: ownerUid, controller: true };
  return {
    ...PLACE,
    uid,
    resourceVersion,
    labels: { [SENTINEL_LABEL]: "s" },
    annotations: { clutter: CLUTTER },
    managedFields: [{ manager: CLUTTER }],
    ...(ownerKind !== undefined && { ownerReferences: [owner] }),
  };
}

const CONTAINER = { name: "sentinel", image: "s:1", env: [{ name: "CLUTTER", value: CLUTTER }] };
const SPEC = { containers: [CONTAINER], volumes: [{ name: "v", configMap: { name: CLUTTER } }] };
const CONDITION = { type: "Ready", status: "True", message: CLUTTER };

function deployment(uid: string): V1Deployment {
  const template = { metadata: { annotations: { clutter: CLUTTER } }, spec: SPEC };
  const status = { conditions: [CONDITION, { ...CONDITION, type: "Progressing" }] };
  return { metadata: metadata(uid), spec: { selector: {}, template }, status };
}

function replicaSet(uid: string, ownerUid: string): V1ReplicaSet {
  return { metadata: metadata(uid, "Deployment", ownerUid), spec: { selector: {}, template: { spec: SPEC } } };
}

function pod(uid: string, ownerUid: string, resourceVersion?: string): V1Pod {
  const terminated = { exitCode: 1, message: CLUTTER };
  const containerStatuses = [
    { name: "sentinel", image: "", imageID: CLUTTER, ready: false, restartCount: 1, lastState: { terminated } },
  ];
  const status = { phase: "Running", conditions: [CONDITION], containerStatuses };
  return { metadata: metadata(uid, "ReplicaSet", ownerUid, resourceVersion), spec: SPEC, status };
}
