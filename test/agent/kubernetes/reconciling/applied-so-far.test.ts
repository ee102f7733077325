import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { V1Deployment } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { annotationsOf } from "../../../../src/agent/kubernetes/applying/apply-plan.ts";
import { SENTINEL_LABEL } from "../../../../src/agent/kubernetes/objects.ts";
import { AppliedSoFar } from "../../../../src/agent/kubernetes/reconciling/applied-so-far.ts";
import { ClusterCache } from "../../../../src/agent/kubernetes/watching/cluster-cache.ts";
import { type DesiredSentinel, DesiredSentinelSchema } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";

// Invariants N1 to N3 are those of applying/news.ts.

describe("a Deployment that has been told", () => {
  test("less: there is news, and no doubt (N1)", () => {
    const { applied } = told(desired({ generation: 7n, deployNumber: 5n }));
    expect(applied.isNews(desired({ generation: 8n, deployNumber: 5n }))).toBe(true);
    expect(applied.isNews(desired({ generation: 7n, deployNumber: 6n }))).toBe(true);
    expect(applied.isInDoubt).toBe(false);
  });

  test("the same: no news, and no doubt, also where it does not say for which configuration", () => {
    for (const forgets of [false, true]) {
      const { applied } = told(desired({ generation: 7n, deployNumber: 5n }), forgets);
      expect(applied.isNews(desired({ generation: 7n, deployNumber: 5n }))).toBe(false);
      expect(applied.isInDoubt).toBe(false);
    }
  });

  test("more, by another agent, and this one hears of it: it never takes that back (N2)", () => {
    const { applied } = told(desired({ generation: 7n, deployNumber: 5n }));
    const old = desired({ generation: 6n, deployNumber: 4n });
    expect(applied.isNews(old)).toBe(false);
    expect(applied.isInDoubt).toBe(true);
    // This one may have been asked for before the other agent wrote.
    applied.synced();
    expect(applied.isNews(old)).toBe(false);
    expect(applied.disbelieved).toBeUndefined();
    expect(applied.isNews(desired({ generation: 7n, deployNumber: 5n }))).toBe(false);
    expect(applied.isInDoubt).toBe(false);
  });

  test("more, and hydra says the same once more when asked anew: it is news, and what was told counts for nothing (N3)", () => {
    const { applied } = told(desired({ generation: 7n, deployNumber: 5n }));
    const imported = desired({ generation: 1n, deployNumber: 0n, image: "s:1" });
    expect(doubted(applied, imported)).toBe(true);
    expect(applied.isInDoubt).toBe(false);
    expect(applied.disbelieved).toMatchObject({ appliedGeneration: 7n, appliedDeploy: 5n });
    applied.wrote(imported);
    expect(applied.isNews(imported)).toBe(false);
    expect(applied.disbelieved).toBeUndefined();
  });

  test("the same numbers for another configuration: as with greater ones (N2, N3)", () => {
    const { applied } = told(desired({ generation: 7n, deployNumber: 5n, image: "s:7" }));
    const other = desired({ generation: 7n, deployNumber: 5n, image: "s:other" });
    expect(applied.isNews(other)).toBe(false);
    expect(applied.isInDoubt).toBe(true);
    expect(doubted(applied, other)).toBe(true);
  });

  test("it is told something else while one is in doubt: one is in doubt anew", () => {
    const { applied, tell } = told(desired({ generation: 7n, deployNumber: 5n }));
    const imported = desired({ generation: 1n });
    applied.isNews(imported);
    applied.synced();
    tell(desired({ generation: 8n, deployNumber: 5n }));
    applied.isNews(imported);
    applied.synced();
    expect(applied.isNews(imported)).toBe(false);
    expect(applied.isInDoubt).toBe(true);
  });

  test("hydra's database is an old one, which had a report on what it desires: no news until something is desired anew", () => {
    const { applied } = told(desired({ generation: 7n, deployNumber: 5n }));
    const observed = { observedGeneration: 6n, observedDeployNumber: 4n };
    expect(doubted(applied, desired({ generation: 6n, deployNumber: 4n, ...observed }))).toBe(false);
    expect(applied.isInDoubt).toBe(false);
    expect(applied.isNews(desired({ generation: 6n, deployNumber: 5n, ...observed }))).toBe(true);
    expect(applied.isNews(desired({ generation: 7n, deployNumber: 4n, ...observed, image: "s:other" }))).toBe(true);
  });

  test("its sentinel is archived while one is in doubt: that is news, and no doubt is left", () => {
    const { applied } = told(desired({ generation: 7n, deployNumber: 5n }));
    applied.isNews(desired({ generation: 1n }));
    expect(applied.isNews(desired({ generation: 2n, desiredState: SentinelDesiredState.ARCHIVED }))).toBe(true);
    expect(applied.isInDoubt).toBe(false);
  });

  test("it is gone, and numbers have begun anew: it is made again with the next deploy, and not before", () => {
    const { applied, remove } = told(desired({ generation: 7n, deployNumber: 5n }));
    const restored = { generation: 6n, deployNumber: 4n, observedGeneration: 6n, observedDeployNumber: 4n };
    applied.isNews(desired(restored));
    remove();
    expect(doubted(applied, desired(restored))).toBe(false);
    expect(applied.isNews(desired({ ...restored, deployNumber: 5n }))).toBe(true);
  });
});

/** Is it news after two more full syncs? */
function doubted(applied: AppliedSoFar, wish: DesiredSentinel): boolean {
  for (let syncs = 0; syncs < 2; syncs += 1) {
    applied.isNews(wish);
    applied.synced();
  }
  return applied.isNews(wish);
}

function desired(row: MessageInitShape<typeof DesiredSentinelSchema>): DesiredSentinel {
  return create(DesiredSentinelSchema, { sentinelId: "s", k8sNamespace: "n", k8sName: "a", image: "s:7", ...row });
}

/** A cluster whose Deployment has had this applied; `forgets`: by an agent that did not say for which configuration. */
function told(first: DesiredSentinel, forgets = false) {
  const cache = new ClusterCache({ container: "sentinel", onChange: () => {}, onNewDeployment: () => {} });
  let version = 0;
  const tell = (applied: DesiredSentinel) => {
    const annotations = annotationsOf(applied, "", undefined);
    if (forgets) delete annotations["hydra.dev/configuration"];
    version += 1;
    const deployment: V1Deployment = {
      metadata: {
        namespace: "n",
        name: "a",
        uid: "u",
        resourceVersion: String(version),
        labels: { [SENTINEL_LABEL]: "s" },
        annotations,
      },
    };
    cache.deployments.put(deployment, false);
  };
  tell(first);
  return { applied: new AppliedSoFar(cache), tell, remove: () => cache.deployments.remove("u") };
}
