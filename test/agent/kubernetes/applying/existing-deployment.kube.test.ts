import { expect, test } from "vitest";
import { containerPath } from "../../../../src/agent/kubernetes/field-ownership.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { describeKube } from "../../../kube/borrowing.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import {
  deploymentsPath,
  edit,
  makeAutoscaler,
  makeDeployment,
  openSandbox,
  readDeployment,
  reasonOf,
  recordedFor,
  type Sandbox,
  sentinelOf,
  signal,
} from "./sandbox.ts";

refuseLeaks();

const IMAGE = containerPath("sentinel", "f:image");

describeKube("a Deployment that exists", () => {
  test("a sentinel is deployed: image, label and annotations are hydra's, the rest is as it was", async () => {
    await using sandbox = await openSandbox();
    const before = await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    const applied = await applier.apply(sandbox.desired(), signal);
    const after = await readDeployment(sandbox);
    expect(applied).toMatchObject({
      kind: "applied",
      deployment: { uid: before.metadata?.uid, sentinelId: "snt_1", appliedGeneration: 2n, appliedDeploy: 1n },
    });
    expect(after.metadata?.labels).toEqual({ team: "edge", "hydra.dev/sentinel.id": "snt_1" });
    expect(after.metadata?.annotations).toMatchObject({
      "example.com/owner": "edge",
      "hydra.dev/generation": "2",
      "hydra.dev/deploy": "1",
      "hydra.dev/taken-from": "image from argocd",
    });
    sentinelOf(before).image = "example.com/sentinel:2";
    expect(after.spec).toEqual(before.spec);
    expect(recordedFor(after, ...IMAGE)).toEqual(["hydra Apply"]);
    expect(sandbox.writes).toEqual(["PATCH deployments/a"]);
    expect(sandbox.logged).toMatchObject([{ sentinelId: "snt_1", name: "a", takenFrom: "image from argocd" }]);
  });

  test("nothing is new: nothing is written, and the Deployment stays at its resourceVersion", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(), signal);
    const settled = await rolledOut(sandbox);
    sandbox.writes.length = 0;
    for (const desired of [sandbox.desired(), sandbox.desired({ generation: 1n, deployNumber: 0n })]) {
      const applied = await applier.apply(desired, signal);
      expect(applied).toMatchObject({ deployment: { appliedGeneration: 2n, appliedDeploy: 1n } });
    }
    expect(sandbox.writes).toEqual([]);
    expect((await readDeployment(sandbox)).metadata?.resourceVersion).toBe(settled.metadata?.resourceVersion);
  });

  test("somebody changes the image and nothing is new: it is left as it is", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(), signal);
    await edit(sandbox, imageOf("example.com/sentinel:mine"));
    await applier.apply(sandbox.desired(), signal);
    expect(sentinelOf(await readDeployment(sandbox)).image).toBe("example.com/sentinel:mine");
    // With the next deploy it is hydra's again, and it says whose it was.
    await applier.apply(sandbox.desired({ deployNumber: 2n, generation: 3n }), signal);
    const after = await readDeployment(sandbox);
    expect(sentinelOf(after).image).toBe("example.com/sentinel:2");
    expect(after.metadata?.annotations).toMatchObject({ "hydra.dev/taken-from": "image from kubectl-edit" });
  });

  test("only the numbers are new: the spec is not written, and its fields stay with who set them", async () => {
    await using sandbox = await openSandbox();
    const before = await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ image: "example.com/sentinel:1", desiredReplicas: 1 }), signal);
    const after = await readDeployment(sandbox);
    expect(after.spec).toEqual(before.spec);
    expect(after.metadata?.annotations).toMatchObject({ "hydra.dev/deploy": "1" });
    expect(after.metadata?.annotations).not.toHaveProperty("hydra.dev/taken-from");
    expect(recordedFor(after, "f:spec")).toEqual(["argocd Update"]);
  });

  test("the row names replicas and resources, then no more: their values stay, and are nobody's", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    const named = { desiredReplicas: 3, cpuMillicores: 250, memoryMib: 1_024 };
    await applier.apply(sandbox.desired(named), signal);
    const amounts = { cpu: "250m", memory: "1Gi" };
    const first = await readDeployment(sandbox);
    expect(first.spec?.replicas).toBe(3);
    expect(sentinelOf(first).resources).toEqual({ requests: amounts, limits: amounts });
    expect(first.metadata?.annotations).toMatchObject({
      "hydra.dev/taken-from": "image from argocd, replicas from argocd",
    });
    await applier.apply(
      sandbox.desired({ generation: 3n, image: "example.com/sentinel:3", cpuMillicores: 250 }),
      signal,
    );
    const second = await readDeployment(sandbox);
    expect(second.spec?.replicas).toBe(3);
    expect(sentinelOf(second)).toMatchObject({
      image: "example.com/sentinel:3",
      resources: { requests: amounts, limits: amounts },
    });
    expect(recordedFor(second, "f:spec", "f:replicas")).toEqual([]);
    expect(recordedFor(second, ...containerPath("sentinel", "f:resources", "f:limits", "f:memory"))).toEqual([]);
    expect(recordedFor(second, ...containerPath("sentinel", "f:resources", "f:limits", "f:cpu"))).toEqual([
      "hydra Apply",
    ]);
    expect(recordedFor(second, ...IMAGE)).toEqual(["hydra Apply"]);
  });

  test("the agent is told another container: the first keeps its image", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    await (await sandbox.applier()).apply(sandbox.desired(), signal);
    const other = await sandbox.applier({ container: "proxy" });
    await other.apply(sandbox.desired({ generation: 3n, image: "example.com/proxy:8" }), signal);
    const after = await readDeployment(sandbox);
    expect(after.spec?.template.spec?.containers.map(({ image }) => image)).toEqual([
      "example.com/proxy:8",
      "example.com/sentinel:2",
    ]);
  });

  test("amounts are the same in other words: they count as what is desired", async () => {
    await using sandbox = await openSandbox();
    const resources = {
      requests: { cpu: "0.25", memory: "1073741824" },
      limits: { cpu: "0.25", memory: "1073741824" },
    };
    const containers = [{ name: "sentinel", image: "example.com/sentinel:2", resources }];
    const template = { metadata: { labels: { app: "a" } }, spec: { containers } };
    const before = await makeDeployment(sandbox, { template });
    await (await sandbox.applier()).apply(sandbox.desired({ cpuMillicores: 250, memoryMib: 1_024 }), signal);
    const after = await readDeployment(sandbox);
    expect(after.spec).toEqual(before.spec);
    expect(recordedFor(after, "f:spec")).toEqual(["argocd Update"]);
  });

  test("no container has the name: refused with those that there are, nothing is written", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier({ container: "gateway" });
    const applied = await applier.apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({
      kind: "refused",
      deployment: { name: "a", appliedDeploy: 0n },
      failure: { failureClass: DeployFailureClass.INVALID_CONFIG },
    });
    expect(reasonOf(applied)).toContain("no container is named gateway: there are proxy and sentinel");
    expect(sandbox.writes).toEqual([]);
  });

  test("without force and somebody else's field: refused with class conflict and that somebody's name", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier({ force: false });
    const applied = await applier.apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "refused", failure: { failureClass: DeployFailureClass.CONFLICT } });
    expect(reasonOf(applied)).toMatch(/conflict with "argocd".*\.image.*--no-force/);
    const after = await readDeployment(sandbox);
    expect(sentinelOf(after).image).toBe("example.com/sentinel:1");
    expect(after.metadata?.labels).toEqual({ team: "edge" });
  });

  test("without force and nobody else's field: it is applied", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    await (await sandbox.applier()).apply(sandbox.desired(), signal);
    const careful = await sandbox.applier({ force: false });
    await careful.apply(sandbox.desired({ generation: 3n, image: "example.com/sentinel:3" }), signal);
    expect(sentinelOf(await readDeployment(sandbox)).image).toBe("example.com/sentinel:3");
  });

  test("it is paused: it is applied, and stays paused", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox, { paused: true });
    const applied = await (await sandbox.applier()).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "applied", deployment: { paused: true } });
    expect(sentinelOf(await readDeployment(sandbox)).image).toBe("example.com/sentinel:2");
  });

  test("an autoscaler decides on replicas: they are left to it, which is told once", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    await makeAutoscaler(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ desiredReplicas: 4 }), signal);
    const image = "example.com/sentinel:3";
    await applier.apply(sandbox.desired({ desiredReplicas: 4, generation: 3n, image }), signal);
    const after = await readDeployment(sandbox);
    expect(after.spec?.replicas).toBe(1);
    expect(sentinelOf(after).image).toBe(image);
    const told = sandbox.logged.filter(({ message }) => message.includes("HorizontalPodAutoscaler"));
    expect(told).toMatchObject([{ sentinelId: "snt_1", desired: 4, replicas: 1 }]);
  });

  test("the image is one that the API server does not take: refused, nothing is written", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applied = await (await sandbox.applier()).apply(sandbox.desired({ image: "" }), signal);
    expect(applied).toMatchObject({ kind: "refused", failure: { failureClass: DeployFailureClass.REJECTED } });
    expect(reasonOf(applied)).toContain("image: Required value");
    expect((await readDeployment(sandbox)).metadata?.labels).toEqual({ team: "edge" });
  });

  test("it is being deleted: trouble that passes, nothing is written", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    await edit(sandbox, { metadata: { finalizers: ["example.com/wait"] } });
    await sandbox.others.request("DELETE", `${deploymentsPath(sandbox.namespace)}/a`);
    const applier = await sandbox.applier();
    await expect(applier.apply(sandbox.desired(), signal)).rejects.toThrow("a is being deleted");
    await edit(sandbox, { metadata: { finalizers: null } });
    expect(sandbox.writes).toEqual([]);
  });
});

function imageOf(image: string): object {
  return { spec: { template: { spec: { containers: [{ name: "sentinel", image }] } } } };
}

function rolledOut(sandbox: Sandbox) {
  return eventually(async () => {
    const deployment = await readDeployment(sandbox);
    const progressing = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
    expect(progressing?.reason).toBe("NewReplicaSetAvailable");
    expect(deployment.status?.observedGeneration).toBe(deployment.metadata?.generation);
    expect(deployment.status).toMatchObject({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 });
    expect(deployment.status?.terminatingReplicas ?? 0).toBe(0);
    return deployment;
  });
}
