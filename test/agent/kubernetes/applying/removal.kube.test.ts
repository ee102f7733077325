import type { V1Deployment, V1Service } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { SentinelDesiredState } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { describeKube } from "../../../kube/borrowing.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import {
  deploymentsPath,
  makeDeployment,
  openSandbox,
  readDeployment,
  recordedFor,
  type Sandbox,
  sentinelOf,
  signal,
} from "./sandbox.ts";

refuseLeaks();

describeKube("a sentinel that leaves", () => {
  test("hydra made its objects: they are deleted, and others' are not", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(), signal);
    await applier.apply(sandbox.desired({ sentinelId: "snt_2", k8sName: "b" }), signal);
    await applier.apply(sandbox.desired({ generation: 3n, image: "example.com/sentinel:3" }), signal);
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    await eventually(async () => expect(await everything(sandbox)).toEqual(["b", "b", "b"]));
    sandbox.writes.length = 0;
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    expect(sandbox.writes).toEqual([]);
  });

  test("hydra did not make its Deployment: it loses hydra's label, annotations and record, and nothing else", async () => {
    await using sandbox = await openSandbox();
    const before = await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ cpuMillicores: 100 }), signal);
    const applied = await readDeployment(sandbox);
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    const after = await readDeployment(sandbox);
    expect(after.metadata?.uid).toBe(before.metadata?.uid);
    expect(after.metadata?.labels).toEqual({ team: "edge" });
    expect(Object.keys(after.metadata?.annotations ?? {}).filter((key) => key.startsWith("hydra.dev/"))).toEqual([]);
    expect(after.metadata?.annotations).toMatchObject({ "example.com/owner": "edge" });
    expect(after.spec).toEqual(applied.spec);
    expect(recordedFor(after, "f:spec")).toEqual(["argocd Update"]);
    expect(after.metadata?.managedFields?.map(({ manager }) => manager)).not.toContain("hydra");
  });

  test("it is archived: as if it had left, once; it can run again", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(), signal);
    sandbox.writes.length = 0;
    const archived = sandbox.desired({ desiredState: SentinelDesiredState.ARCHIVED, generation: 3n });
    for (const _ of [1, 2]) {
      expect(await applier.apply(archived, signal)).toEqual({ kind: "applied", deployment: undefined });
    }
    expect(sandbox.writes).toEqual(["PATCH deployments/a"]);
    await applier.apply(sandbox.desired({ generation: 4n, image: "example.com/sentinel:4" }), signal);
    expect(sentinelOf(await readDeployment(sandbox)).image).toBe("example.com/sentinel:4");
  });

  test("its place is another sentinel's by now: nothing is written", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ sentinelId: "snt_2" }), signal);
    sandbox.writes.length = 0;
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    expect(sandbox.writes).toEqual([]);
    expect(await everything(sandbox)).toEqual(["a", "a", "a"]);
  });

  test("it moves within its namespace: what was made for the new place stays", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(), signal);
    await applier.apply(sandbox.desired({ k8sName: "b", generation: 3n }), signal);
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    await eventually(async () => expect(await everything(sandbox)).toEqual(["b", "b", "b"]));
  });

  test("somebody deleted its Deployment: what belonged to it is deleted, too", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(), signal);
    await sandbox.others.request("DELETE", `${deploymentsPath(sandbox.namespace)}/a`);
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    await eventually(async () => expect(await everything(sandbox)).toEqual([]));
  });

  test("its namespace is gone: nothing to do", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    await applier.remove("snt_1", { namespace: "nowhere", name: "a" }, signal);
    expect(sandbox.writes).toEqual([]);
  });

  test("somebody labelled a Service as hydra's: it is not hydra's to delete", async () => {
    await using sandbox = await openSandbox();
    const metadata = {
      name: "mine",
      labels: { "hydra.dev/sentinel.id": "snt_1" },
      annotations: { "hydra.dev/created": "true", "hydra.dev/deployment": "a" },
    };
    const path = `/api/v1/namespaces/${sandbox.namespace}/services`;
    const body = { metadata, spec: { ports: [{ port: 80 }] } };
    await sandbox.others.request("POST", path, { query: { fieldManager: "kubectl-create" }, body });
    await (await sandbox.applier()).remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    expect(await everything(sandbox)).toEqual(["mine"]);
  });
});

/** Names of all Deployments, Services and PodDisruptionBudgets that nobody has asked to delete. */
async function everything({ others, namespace }: Sandbox): Promise<string[]> {
  const paths = [
    deploymentsPath(namespace),
    `/api/v1/namespaces/${namespace}/services`,
    `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  ];
  const lists = await Promise.all(
    paths.map((path) => others.request<{ items: (V1Deployment | V1Service)[] }>("GET", path)),
  );
  return lists.flatMap(({ items }) => items.flatMap(({ metadata }) => metadata?.name ?? []));
}
