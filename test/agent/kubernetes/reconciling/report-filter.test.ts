import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReportFilter } from "../../../../src/agent/kubernetes/reconciling/report-filter.ts";
import { reportOrder, Stage } from "../../../../src/agent/kubernetes/reconciling/report-order.ts";
import type { Observed } from "../../../../src/agent/reporter.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelHealth } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { desiredSentinel, pod, rolling } from "../convergence/situations.ts";

describe("the filter of reports", () => {
  test("the same as the last one: told once, though the objects have changed", () => {
    const filter = new ReportFilter();
    expect(filter.pass(observed({ reportOrder: 16n }))).toEqual(observed({ reportOrder: 16n }));
    expect(filter.pass(observed({ reportOrder: 16n }))).toBeUndefined();
    expect(filter.pass(observed({ reportOrder: 32n }))).toBeUndefined();
  });

  test("asked to repeat: the next one is told, and only that, with an order that says it is not newer", () => {
    const filter = new ReportFilter();
    filter.pass(observed({ reportOrder: 16n }));
    filter.repeat();
    expect(filter.pass(observed({ reportOrder: 16n }))?.reportOrder).toBe(16n);
    expect(filter.pass(observed({ reportOrder: 16n }))).toBeUndefined();
  });

  test.each<Partial<Observed>>([
    { health: SentinelHealth.UNHEALTHY },
    { runningImage: "new:3" },
    { availableReplicas: 2 },
    { observedGeneration: 3n },
    { deployNumber: 3n },
    { deploymentUid: "deployment-2" },
    { failureClass: DeployFailureClass.QUOTA },
    { reason: "waits" },
    { drift: "replicas" },
    { takenFrom: "image from flux" },
  ])("%o differs: told", (change) => {
    const filter = new ReportFilter();
    filter.pass(observed());
    expect(filter.pass(observed(change))).toMatchObject(change);
  });

  test("the newest object has gone, which leaves only older ones: what is new is told as newer", () => {
    const filter = new ReportFilter();
    filter.pass(observed({ reportOrder: 1_600n }));
    expect(filter.pass(observed({ reportOrder: 160n, availableReplicas: 0 }))?.reportOrder).toBe(1_601n);
    expect(filter.pass(observed({ reportOrder: 3_200n }))?.reportOrder).toBe(3_200n);
  });

  test("another deploy or another Deployment: the order begins anew", () => {
    const filter = new ReportFilter();
    filter.pass(observed({ reportOrder: 1_600n }));
    expect(filter.pass(observed({ reportOrder: 160n, deployNumber: 3n }))?.reportOrder).toBe(160n);
    expect(filter.pass(observed({ reportOrder: 16n, deploymentUid: "deployment-2" }))?.reportOrder).toBe(16n);
  });

  test("of one deploy, whatever is seen: nothing twice, and each newer than all before", () => {
    const anyObserved = fc.record({ reportOrder: fc.bigInt(0n, 100n), availableReplicas: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(anyObserved), (seen) => {
        const filter = new ReportFilter();
        const told = seen.flatMap((given) => filter.pass(observed(given)) ?? []);
        for (const [index, report] of told.entries()) {
          const before = told[index - 1];
          expect(before === undefined || before.reportOrder < report.reportOrder).toBe(true);
          expect(before?.availableReplicas).not.toBe(report.availableReplicas);
        }
        expect(told.at(-1)?.availableReplicas).toBe(seen.at(-1)?.availableReplicas);
      }),
    );
  });
});

describe("the order of a report", () => {
  test("the greatest version of the objects looked at, whichever it is", () => {
    expect(reportOrder(rolling(), Stage.SEEN)).toBe(1_600n);
    expect(reportOrder(rolling({ deployment: { resourceVersion: 7n } }), Stage.SEEN)).toBe(95n * 16n);
    expect(reportOrder(rolling({ newReplicaSet: { resourceVersion: 200n } }), Stage.SEEN)).toBe(3_200n);
    expect(reportOrder(rolling({ oldPods: [pod("old-a", { resourceVersion: 201n })] }), Stage.SEEN)).toBe(3_216n);
  });

  test("the same objects: what the time adds is newer, and what the cluster refuses newer still; both older than any change", () => {
    const [seen, graceOver, refused] = [Stage.SEEN, Stage.GRACE_OVER, Stage.REFUSED].map((stage) =>
      reportOrder(rolling(), stage),
    );
    const changed = reportOrder(rolling({ deployment: { resourceVersion: 101n } }), Stage.SEEN);
    expect([seen! < graceOver!, graceOver! < refused!, refused! < changed]).toEqual([true, true, true]);
  });

  test("no object at all: by what is desired", () => {
    const desired = desiredSentinel({ generation: 9n });
    expect(reportOrder(rolling({ deployment: null, desired }), Stage.SEEN)).toBe(144n);
  });
});

function observed(given: Partial<Observed> = {}): Observed {
  return {
    sentinelId: "s1",
    deployNumber: 2n,
    observedGeneration: 2n,
    deploymentUid: "deployment-1",
    reportOrder: 16n,
    health: SentinelHealth.HEALTHY,
    runningImage: "new:2",
    availableReplicas: 1,
    failureClass: DeployFailureClass.UNSPECIFIED,
    reason: "",
    drift: "",
    takenFrom: "",
    ...given,
  };
}
