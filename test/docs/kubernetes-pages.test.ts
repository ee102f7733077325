import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { PLACEHOLDERS } from "../../src/agent/kubernetes/applying/template/placeholders.ts";
import { Annotation, SENTINEL_LABEL } from "../../src/agent/kubernetes/objects.ts";
import { DeployFailureClass } from "../../src/gen/hydra/v1/cluster_pb.ts";

// docs/kubernetes.md and docs/agents.md against the agent.

const ROOT = path.join(import.meta.dirname, "../..");
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");
const without = (text: string, words: readonly string[]) => words.filter((word) => !text.includes(`\`${word}\``));

test("docs/agents.md: has each label and annotation that hydra writes", () => {
  expect(without(read("docs/agents.md"), [...Object.values(Annotation), SENTINEL_LABEL])).toEqual([]);
});

test("docs/kubernetes.md: has each class of failure that an agent tells, and each placeholder of a template", () => {
  const told = Object.keys(DeployFailureClass).filter((name) => /^[A-Z_]+$/.test(name));
  const classes = told.map((name) => name.toLowerCase()).filter((name) => name !== "unspecified" && name !== "other");
  const page = read("docs/kubernetes.md");
  expect(classes.length).toBeGreaterThan(8);
  expect(without(page, [...classes, ...PLACEHOLDERS.map((name) => `{{${name}}}`)])).toEqual([]);
});

test("docs/kubernetes.md: gives the agent's rights verb for verb", () => {
  const granted = (file: string) =>
    [...read(file).matchAll(/resources: \[(.*)\]\n(?:\s+resourceNames: .*\n)?\s+verbs: \[(.*)\]/g)].map(
      ([, resources, verbs]) => `${resources}: ${verbs}`,
    );
  expect([...granted("deploy/agent/rights.yaml"), ...granted("deploy/agent/create-namespaces/rights.yaml")]).toEqual([
    "deployments: get, list, watch, create, patch, delete",
    "replicasets: list, watch",
    "pods: list, watch",
    "horizontalpodautoscalers: list, watch",
    "services: list, create, delete",
    "poddisruptionbudgets: list, create, delete",
    "namespaces: get",
    "namespaces: create",
  ]);
  const page = read("docs/kubernetes.md");
  for (const row of [
    "| Deployments | get, list, watch, create, patch, delete |",
    "| ReplicaSets, Pods, HorizontalPodAutoscalers | list, watch |",
    "| Services, PodDisruptionBudgets | list, create, delete |",
    "| Namespace `kube-system` | get |",
    "| Namespaces (component `create-namespaces`) | create |",
  ]) {
    expect(page).toContain(row);
  }
});
