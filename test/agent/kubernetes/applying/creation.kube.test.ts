import { readFile } from "node:fs/promises";
import {
  type KubernetesObject,
  loadAllYaml,
  type V1PodDisruptionBudget,
  type V1Service,
} from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { parseTemplate } from "../../../../src/agent/kubernetes/applying/template/template.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { describeKube } from "../../../kube/borrowing.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import {
  deploymentsPath,
  openSandbox,
  readDeployment,
  reasonOf,
  recordedFor,
  type Sandbox,
  sentinelOf,
  signal,
} from "./sandbox.ts";

refuseLeaks();

const LABELS = {
  "app.kubernetes.io/managed-by": "hydra",
  "app.kubernetes.io/component": "sentinel",
  "hydra.dev/sentinel.id": "snt_1",
};

describeKube("a sentinel without a Deployment", () => {
  test("hydra's own template: a Deployment that runs, a Service and a PodDisruptionBudget, all marked", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    const desired = sandbox.desired({ desiredReplicas: 2, cpuMillicores: 100, memoryMib: 64 });
    const applied = await applier.apply(desired, signal);
    expect(applied).toMatchObject({ kind: "applied", deployment: { createdByHydra: true, appliedDeploy: 1n } });
    const deployment = await readDeployment(sandbox);
    const { service, budget } = await companions(sandbox);
    for (const { metadata } of [deployment, service, budget]) {
      expect(metadata).toMatchObject({ name: "a", labels: LABELS, annotations: { "hydra.dev/created": "true" } });
    }
    expect(deployment.spec?.replicas).toBe(2);
    const amounts = { cpu: "100m", memory: "64Mi" };
    expect(sentinelOf(deployment)).toMatchObject({
      image: "example.com/sentinel:2",
      resources: { requests: amounts, limits: amounts },
    });
    await eventually(async () => expect((await readDeployment(sandbox)).status?.availableReplicas).toBe(2));
    await eventually(async () => expect((await companions(sandbox)).budget.status?.currentHealthy).toBe(2));
    expect(sandbox.writes).toEqual(["POST services", "POST poddisruptionbudgets", "POST deployments"]);
  });

  test("it is deployed again: only its image changes, and without force nobody is in the way", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier({ force: false });
    await applier.apply(sandbox.desired({ desiredReplicas: 2 }), signal);
    const first = await readDeployment(sandbox);
    await applier.apply(
      sandbox.desired({ desiredReplicas: 2, generation: 3n, image: "example.com/sentinel:3" }),
      signal,
    );
    const second = await readDeployment(sandbox);
    sentinelOf(first).image = "example.com/sentinel:3";
    expect(second.spec).toEqual(first.spec);
    expect(second.metadata?.labels).toEqual(LABELS);
    expect(second.metadata?.annotations).toMatchObject({ "hydra.dev/created": "true", "hydra.dev/generation": "3" });
    expect(second.metadata?.annotations).not.toHaveProperty("hydra.dev/taken-from");
    expect(recordedFor(second, "f:spec")).toEqual(["hydra Apply"]);
  });

  test("an id that is no name: it is a label all the same", async () => {
    await using sandbox = await openSandbox();
    await (await sandbox.applier()).apply(sandbox.desired({ sentinelId: "Edge_1.EU" }), signal);
    const { service } = await companions(sandbox);
    expect(service.spec?.selector).toEqual({ "hydra.dev/sentinel.id": "Edge_1.EU" });
  });

  test("a template of the operator: placeholders are filled in, what the row does not set is left out", async () => {
    await using sandbox = await openSandbox();
    const template = parseTemplate(OPERATORS_TEMPLATE, "gateway");
    const applier = await sandbox.applier({ template, container: "gateway" });
    await applier.apply(sandbox.desired({ memoryMib: 64 }), signal);
    const { spec, metadata } = await readDeployment(sandbox);
    expect(metadata?.labels).toMatchObject({ ...LABELS, team: "edge" });
    expect(spec?.replicas).toBe(1);
    expect(spec?.template.spec?.containers).toMatchObject([
      {
        name: "gateway",
        image: "example.com/sentinel:2",
        env: [
          { name: "SENTINEL", value: `snt_1 in ${sandbox.namespace}` },
          { name: "MEMORY", value: "64" },
        ],
        resources: { limits: { memory: "64Mi" } },
      },
    ]);
  });

  test("a field that the API server does not know: refused with its words, and nothing is made", async () => {
    await using sandbox = await openSandbox();
    const template = parseTemplate(OPERATORS_TEMPLATE.replace("replicas:", "replica:"), "gateway");
    const applier = await sandbox.applier({ template, container: "gateway" });
    const applied = await applier.apply(sandbox.desired({ desiredReplicas: 1 }), signal);
    expect(applied).toMatchObject({ kind: "refused", failure: { failureClass: DeployFailureClass.REJECTED } });
    expect(reasonOf(applied)).toContain('unknown field "spec.replica"');
    expect(sandbox.writes).toEqual([]);
  });

  test("a quota leaves no room: refused with class quota, and nothing is made", async () => {
    await using sandbox = await openSandbox();
    await limitDeployments(sandbox);
    const applied = await (await sandbox.applier()).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({
      kind: "refused",
      deployment: undefined,
      failure: { failureClass: DeployFailureClass.QUOTA },
    });
    expect(reasonOf(applied)).toContain("exceeded quota: none");
    expect(sandbox.writes).toEqual([]);
  });

  test("somebody has a Service of that name: it is left as it is", async () => {
    await using sandbox = await openSandbox();
    const ports = [{ port: 9_000 }];
    const path = `/api/v1/namespaces/${sandbox.namespace}/services`;
    await sandbox.others.request("POST", path, { body: { metadata: { name: "a" }, spec: { ports } } });
    await (await sandbox.applier()).apply(sandbox.desired(), signal);
    const { service } = await companions(sandbox);
    expect(service.spec?.ports).toMatchObject(ports);
    expect(service.metadata?.labels).toBeUndefined();
  });

  test("its namespace is missing and not to be made: refused, with what to do", async () => {
    await using sandbox = await openSandbox();
    const applied = await (await sandbox.applier()).apply(sandbox.desired({ k8sNamespace: "nowhere" }), signal);
    expect(applied).toMatchObject({ kind: "refused", failure: { failureClass: DeployFailureClass.INVALID_CONFIG } });
    expect(reasonOf(applied)).toMatch(/namespaces "nowhere" not found; create the namespace, or .*--create-namespaces/);
  });

  test("its namespace is missing and to be made: it is made", async () => {
    await using sandbox = await openSandbox();
    const k8sNamespace = `${sandbox.namespace}-more`;
    const applier = await sandbox.applier({ createNamespaces: true });
    const desired = sandbox.desired({ k8sNamespace });
    await expect(applier.apply(desired, signal)).rejects.toThrow('cannot create resource "namespaces"');
    await using _ = await letCreateNamespaces(sandbox);
    const applied = await eventually(() => applier.apply(desired, signal));
    expect(applied).toMatchObject({ kind: "applied", deployment: { namespace: k8sNamespace } });
    await sandbox.others.request("DELETE", `/api/v1/namespaces/${k8sNamespace}`);
  });

  test("its namespace is being deleted: refused with the cluster's words", async () => {
    await using sandbox = await openSandbox();
    const held = `/api/v1/namespaces/${sandbox.namespace}/configmaps`;
    const finalizers = ["example.com/wait"];
    await sandbox.others.request("POST", held, { body: { metadata: { name: "held", finalizers } } });
    await sandbox.others.request("DELETE", `/api/v1/namespaces/${sandbox.namespace}`);
    const applied = await (await sandbox.applier()).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "refused", failure: { failureClass: DeployFailureClass.FORBIDDEN } });
    expect(reasonOf(applied)).toContain("because it is being terminated");
    await sandbox.others.request("PATCH", `${held}/held`, {
      contentType: "application/merge-patch+json",
      body: { metadata: { finalizers: null } },
    });
  });
});

const OPERATORS_TEMPLATE = `
# The ports are those of {{everybody}}.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ name }}
  namespace: {{namespace}}
  labels: {team: edge}
spec:
  replicas: {{replicas}}
  selector: {matchLabels: {app: {{name}}}}
  template:
    metadata: {labels: {app: {{name}}}}
    spec:
      containers:
        - name: gateway
          image: {{image}}
          env:
            - {name: SENTINEL, value: "{{sentinel_id}} in {{namespace}}"}
            - {name: MEMORY, value: "{{memory_mib}}"}
          resources:
            limits:
              cpu: {{cpu_millicores}}m
              memory: {{memory_mib}}Mi
`;

async function companions({ others, namespace }: Sandbox) {
  const service = await others.request<V1Service>("GET", `/api/v1/namespaces/${namespace}/services/a`);
  const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
  return {
    service,
    budget: await others.request<V1PodDisruptionBudget>("GET", `${budgets}/a`).catch((): V1PodDisruptionBudget => ({})),
  };
}

/** The right that the agent has only where an operator gives it, as deploy/agent has it. */
async function letCreateNamespaces({ others }: Sandbox): Promise<AsyncDisposable> {
  await using given = new AsyncDisposableStack();
  const file = new URL("../../../../deploy/agent/create-namespaces/rights.yaml", import.meta.url);
  for (const body of loadAllYaml(await readFile(file, "utf8")) as KubernetesObject[]) {
    const group = `/apis/${body.apiVersion}/${body.kind?.toLowerCase()}s`;
    await others.request("POST", group, { body });
    given.defer(async () => void (await others.request("DELETE", `${group}/${body.metadata?.name}`)));
  }
  return given.move();
}

async function limitDeployments({ others, namespace }: Sandbox): Promise<void> {
  const hard = { "count/deployments.apps": "0" };
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  await others.request("POST", path, { body: { metadata: { name: "none" }, spec: { hard } } });
  // A quota holds from when it has been counted.
  await eventually(async () => {
    const { status } = await others.request<{ status?: { hard?: object } }>("GET", `${path}/none`);
    expect(status?.hard).toEqual(hard);
  });
  expect(await others.request("GET", deploymentsPath(namespace))).toMatchObject({ items: [] });
}
