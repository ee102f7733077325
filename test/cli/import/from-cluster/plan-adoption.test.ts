import { describe, expect, test } from "vitest";
import type { FoundDeployment } from "../../../../src/cli/import/from-cluster/found-deployments.ts";
import { KnownSentinels } from "../../../../src/cli/import/from-cluster/known-sentinels.ts";
import { type AdoptionOptions, planAdoption } from "../../../../src/cli/import/from-cluster/plan-adoption.ts";

const OPTIONS: AdoptionOptions = { regionId: "eu-1", regionsOfCluster: [], container: "sentinel" };

function deployment(name: string, more: Partial<FoundDeployment> = {}): FoundDeployment {
  return {
    namespace: "prod",
    name,
    labels: {},
    sentinelId: undefined,
    replicas: 3,
    terminating: false,
    containers: [
      { name: "proxy", image: "envoy:v1" },
      { name: "sentinel", image: `acme/${name}:v1` },
    ],
    ...more,
  };
}

function knownAs(id: string, name: string, regionId = "eu-1"): KnownSentinels {
  const known = new KnownSentinels();
  known.add({ id, regionId, k8sNamespace: "prod", k8sName: name });
  return known;
}

function plan(
  found: readonly FoundDeployment[],
  { known = new KnownSentinels(), ...options }: Partial<AdoptionOptions> & { known?: KnownSentinels } = {},
) {
  return planAdoption(found, known, { ...OPTIONS, ...options });
}

function whyOf(found: readonly FoundDeployment[], options: Parameters<typeof plan>[1] = {}): (string | undefined)[] {
  return plan(found, options).map((each) => (each.verdict === "refused" ? each.why : undefined));
}

describe("a Deployment that hydra does not know", () => {
  test("is registered with the image of its container, and without a word on replicas and resources (N1)", () => {
    const [adoption] = plan([deployment("api")]);
    expect(adoption).toMatchObject({ verdict: "new" });
    expect(adoption?.verdict === "new" && { ...adoption.spec }).toEqual({
      $typeName: "hydra.v1.SentinelSpec",
      id: "api.prod.eu-1",
      regionId: "eu-1",
      k8sNamespace: "prod",
      k8sName: "api",
      image: "acme/api:v1",
      desiredReplicas: 0,
    });
  });

  test.each([
    [
      "hydra's label: is its id, whatever else is there",
      { sentinelId: "snt_1", labels: { "acme.dev/id": "s1" } },
      "snt_1",
    ],
    ["a label of its owner's: is its id", { labels: { "acme.dev/id": "s1" } }, "s1"],
    ["no label: has the id of its place", {}, "api.prod.eu-1"],
  ])("with %s", (_situation, more, id) => {
    const [adoption] = plan([deployment("api", more)], { idLabel: "acme.dev/id" });
    expect(adoption).toMatchObject({ spec: { id } });
  });

  test("workspace, project and environment: as said, or as the label says", () => {
    const labels = { "acme.dev/team": "edge", "acme.dev/stage": "" };
    const options = { workspace: "ws_1", project: "label:acme.dev/team", environment: "label:acme.dev/stage" };
    expect(plan([deployment("api", { labels })], options)).toMatchObject([
      { spec: { workspaceId: "ws_1", projectId: "edge", environmentId: "" } },
    ]);
  });

  test("several: by id, as waves take them", () => {
    const found = [deployment("b"), deployment("a"), deployment("c", { sentinelId: "A" })];
    expect(plan(found)).toMatchObject([
      { spec: { id: "A" } },
      { spec: { id: "a.prod.eu-1" } },
      { spec: { id: "b.prod.eu-1" } },
    ]);
  });
});

describe("a Deployment that hydra knows", () => {
  test("is left as it is, whatever id it would get now (N2)", () => {
    const found = [deployment("api", { sentinelId: "other", terminating: true })];
    expect(plan(found, { known: knownAs("snt_1", "api") })).toMatchObject([{ verdict: "known", id: "snt_1" }]);
  });

  test("as another region of this very cluster: is refused", () => {
    const options = { known: knownAs("snt_1", "api", "eu-old"), regionsOfCluster: ["eu-old"] };
    expect(whyOf([deployment("api")], options)).toEqual(["it is sentinel snt_1 of region eu-old"]);
  });

  test("at the same place of another cluster: is another one", () => {
    expect(plan([deployment("api")], { known: knownAs("snt_1", "api", "us-1") })).toMatchObject([{ verdict: "new" }]);
  });
});

describe("a Deployment that cannot be registered", () => {
  test.each([
    [
      "without the container: the ones that it has are named",
      {
        containers: [
          { name: "web", image: "nginx" },
          { name: "proxy", image: "envoy" },
        ],
      },
      "it has no container sentinel, it has web, proxy: see --container",
    ],
    ["that is being deleted: said so", { terminating: true }, "it is being deleted"],
    ["without a label that is asked for: the label is named", { labels: {} }, "it has no label acme.dev/team"],
    [
      "with a label that is no id: the value is shown",
      { sentinelId: "", labels: { "acme.dev/team": "edge" } },
      'its label says that its id is "", which no sentinel can have',
    ],
  ])("%s", (_situation, more, why) => {
    expect(whyOf([deployment("api", more)], { workspace: "label:acme.dev/team" })).toEqual([why]);
  });

  test("its id is that of a sentinel elsewhere: which one, and where (N3)", () => {
    expect(whyOf([deployment("api", { sentinelId: "snt_1" })], { known: knownAs("snt_1", "web", "us-1") })).toEqual([
      "sentinel snt_1 is prod/web of region us-1",
    ]);
  });

  test("two for one id: each is told of the other, the rest is not touched by it (N3)", () => {
    const found = ["a", "b", "c"].map((name) => deployment(name, name === "c" ? {} : { sentinelId: "snt_1" }));
    expect(whyOf(found)).toEqual([
      undefined,
      "its id snt_1 is also that of prod/b",
      "its id snt_1 is also that of prod/a",
    ]);
  });

  test("ten for one id: three of the others are named, the rest is counted", () => {
    const found = Array.from({ length: 10 }, (_, index) => deployment(`s${index}`, { sentinelId: "snt_1" }));
    const whys = whyOf(found);
    expect(whys[0]).toBe("its id snt_1 is also that of prod/s1 and prod/s2 and prod/s3 and 6 more");
    expect(whys[9]).toBe("its id snt_1 is also that of prod/s0 and prod/s1 and prod/s2 and 6 more");
  });
});
