import { create } from "@bufbuild/protobuf";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_TEMPLATE } from "../../../../src/agent/kubernetes/applying/template/default-template.ts";
import { parseTemplate, readTemplate } from "../../../../src/agent/kubernetes/applying/template/template.ts";
import { DesiredSentinelSchema } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";

const ROW = create(DesiredSentinelSchema, {
  sentinelId: "1e3",
  k8sNamespace: "edge",
  k8sName: "a",
  image: "example.com/sentinel:2",
  memoryMib: 64,
});

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: {{name}}}
`;

describe("a template", () => {
  test("hydra's own: a Deployment, a Service and a PodDisruptionBudget named after the Deployment", () => {
    const manifests = parseTemplate(DEFAULT_TEMPLATE, "sentinel").manifestsFor(ROW);
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "Deployment a",
      "Service a",
      "PodDisruptionBudget a",
    ]);
  });

  test("a number is a number, and text in quotes; an id that looks like a number stays text", () => {
    const labels = deployment("labels: {id: {{sentinel_id}}, mib: '{{memory_mib}}', number: {{memory_mib}}}");
    const [manifest] = parseTemplate(labels, "sentinel").manifestsFor(ROW);
    expect(manifest?.metadata.labels).toEqual({ id: "1e3", mib: "64", number: 64 });
  });

  test("what the row does not set: the field or the item is left out", () => {
    const labels = deployment("labels: {cpu: '{{cpu_millicores}}m', list: [{{replicas}}, {{memory_mib}}Mi]}");
    const [manifest] = parseTemplate(labels, "sentinel").manifestsFor(ROW);
    expect(manifest?.metadata.labels).toEqual({ list: ["64Mi"] });
  });

  test("a value that looks like YAML or like a placeholder: it stays the value that it is", () => {
    const image = 'x"\n- kind: Pod ⟦name⟧ {{name}}';
    const [manifest] = parseTemplate(deployment("labels: {image: {{image}}}"), "sentinel").manifestsFor({
      ...ROW,
      image,
    });
    expect(manifest?.metadata.labels).toEqual({ image });
  });

  test.each([
    ["no Deployment", SERVICE, "there are 0 Deployments: exactly one is needed"],
    ["two Deployments", `${deployment()}\n---\n${deployment()}`, "there are 2 Deployments"],
    ["an empty file", "", "there are 0 Deployments"],
    ["another container", deployment().replace("name: sentinel", "name: app"), "no container named sentinel"],
    ["no containers", deployment().replace("containers", "volumes"), "it has none"],
    [
      "an unknown placeholder",
      deployment("labels: {a: {{region}}}"),
      "has the placeholder {{region}}: there are {{sentinel_id}}, ",
    ],
    [
      "a kind that hydra does not make",
      SERVICE.replace("Service", "Secret"),
      "document 1 is of kind Secret: hydra makes",
    ],
    ["another API version", SERVICE.replace("v1", "v2"), "document 1 has apiVersion v2: a Service is v1"],
    [
      "a fixed name",
      `${deployment()}\n---\n${SERVICE.replace("{{name}}", "a")}`,
      "document 2 has a name without {{name}}",
    ],
    [
      "another name of the Deployment",
      deployment().replace("{{name}}", "x-{{name}}"),
      "has another name than {{name}}",
    ],
    ["a namespace", deployment("namespace: edge"), "has a namespace: leave it out"],
    ["no YAML", "a: [", "this is not YAML"],
    ["a list", "[1]", "document 1 is not a manifest"],
  ])("%s: refused with a sentence", (_, text, sentence) => {
    expect(() => parseTemplate(text, "sentinel")).toThrow(sentence);
  });

  test("a file: it is named with what is wrong with it, also if it is not there", async () => {
    await using directory = await createTemporaryDirectory();
    const file = path.join(directory.path, "template.yaml");
    await expect(readTemplate(file, "sentinel")).rejects.toThrow(`template ${file}: ENOENT`);
    await writeFile(file, SERVICE);
    await expect(readTemplate(file, "sentinel")).rejects.toThrow(`template ${file}: there are 0 Deployments`);
    await writeFile(file, deployment());
    expect((await readTemplate(file, "sentinel")).manifestsFor(ROW)).toHaveLength(1);
  });
});

function deployment(metadata = "labels: {}"): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{name}}
  ${metadata}
spec:
  template:
    spec:
      containers:
        - name: sentinel
`;
}
