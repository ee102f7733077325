import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { SentinelHealth, SentinelRolloutState } from "../../../src/client/index.ts";
import { runHydra } from "../../e2e/hydra-process.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { deploymentsIn } from "../fleet.ts";
import { freePort } from "../free-port.ts";
import { patchDeployment } from "../rollouts/patch.ts";
import { type Site, startSite } from "../rollouts/site.ts";
import { createExistingFleet, V1 } from "./existing-fleet.ts";

refuseLeaks();

const V2 = "ghcr.io/acme/sentinel:v2";
/** Processes start slowly where all of the machine is at work. */
const PATIENT = { timeoutMs: 60_000 };
const LABEL = "hydra.dev/sentinel.id";

/** Runs `hydra sentinels import --from-cluster`. */
async function adopt(site: Pick<Site, "url">, kubeconfig: string, ...flags: string[]) {
  const args = ["sentinels", "import", "--from-cluster", "--kubeconfig", kubeconfig];
  return runHydra([...args, ...flags], { HYDRA_URL: site.url });
}

async function idsIn({ client }: Site): Promise<string[]> {
  return (await client.sentinels.listSentinels({})).sentinels.map(({ id }) => id);
}

describeKube("hydra sentinels import --from-cluster", () => {
  test("a fleet that is there: shown, registered and marked, while nothing of it is made anew; then it is rolled", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using fleet = await createExistingFleet(kubeconfig, 3);
    await using site = await startSite();
    const before = await fleet.look();
    const which = ["--region", "east", "--namespace", fleet.namespace];
    const ids = ["snt-001", "snt-002", "snt-003"].map((name) => `${name}.${fleet.namespace}.east`);

    const shown = await adopt(site, kubeconfig, ...which);
    expect(shown.stderr).toBe("3 sentinels would be registered. Nothing has been changed: --yes registers them.\n");
    const names = ids.map((id) => `${id}\tnew\t${fleet.namespace}\t${id.slice(0, 7)}\t2\t${V1}\n`);
    expect(shown).toMatchObject({ exit: 0, stdout: names.join("") });
    expect(await idsIn(site)).toEqual([]);

    expect(await adopt(site, kubeconfig, ...which, "--yes")).toMatchObject({ exit: 0 });
    expect(await idsIn(site)).toEqual(ids);
    // Neither of the two wrote anything: generation and resourceVersion are what they were.
    expect(await fleet.look()).toEqual(before);

    site.startAgent("east", agentKubeconfig);
    await untilHealthy(site, ids.length);
    const adopted = await fleet.look();
    expect({ pods: adopted.pods, replicaSets: adopted.replicaSets }).toEqual({
      pods: before.pods,
      replicaSets: before.replicaSets,
    });
    for (const [name, { spec, labels }] of Object.entries(adopted.deployments)) {
      expect(spec).toEqual(before.deployments[name]?.spec);
      expect(labels).toEqual({ [LABEL]: `${name}.${fleet.namespace}.east` });
    }

    const again = await adopt(site, kubeconfig, ...which, "--yes");
    expect(again).toMatchObject({ exit: 0, stderr: "0 sentinels registered, 3 known already.\n" });
    expect((await site.client.rollouts.rollout({ image: V2 })).state).toBe(SentinelRolloutState.COMPLETED);
    for (const one of await deploymentsIn(kubeconfig, fleet.namespace)) {
      expect(one).toMatchObject({ image: V2, replicas: 2, available: 2, revision: 2 });
    }
  });

  test("--selector, --id-label, workspace from a label: as asked; what --json prints can be imported as it is", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using fleet = await createExistingFleet(kubeconfig, 3);
    await using site = await startSite();
    await using directory = await createTemporaryDirectory();
    await fleet.label("snt-001", { tier: "edge", "acme.dev/id": "edge-1", "acme.dev/team": "blue" });
    await fleet.label("snt-002", { tier: "edge", [LABEL]: "edge-2", "acme.dev/id": "other", "acme.dev/team": "red" });

    const names = ["--workspace", "label:acme.dev/team", "--project", "prj_1", "--id-label", "acme.dev/id"];
    const which = ["--region", "east", "--selector", `tier=edge`, "--namespace", fleet.namespace];
    const { stdout, exit } = await adopt(site, kubeconfig, ...which, ...names, "--json");
    expect(exit).toBe(0);
    const rows = stdout
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row));
    expect(rows).toMatchObject([
      { id: "edge-1", k8sName: "snt-001", workspaceId: "blue", projectId: "prj_1", image: V1, desiredReplicas: 0 },
      { id: "edge-2", k8sName: "snt-002", workspaceId: "red", projectId: "prj_1" },
    ]);

    const file = path.join(directory.path, "fleet.jsonl");
    await writeFile(file, stdout);
    expect(await runHydra(["sentinels", "import", file], { HYDRA_URL: site.url })).toMatchObject({
      exit: 0,
      stdout: "Imported 2 sentinels: 2 created, 0 updated, 0 unchanged.\n",
    });
    const direct = await adopt(site, kubeconfig, ...which, ...names, "--json", "--yes");
    expect(JSON.parse(direct.stdout)).toEqual({ created: 0, updated: 0, unchanged: 0 });
  });

  test("some that cannot be registered: each is told by name, and none is registered", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using fleet = await createExistingFleet(kubeconfig, 5);
    await using site = await startSite();
    const { namespace } = fleet;
    await fleet.label("snt-001", { [LABEL]: "twin" });
    await fleet.label("snt-002", { [LABEL]: "twin" });
    await fleet.label("snt-003", { [LABEL]: "elsewhere" });
    await patchDeployment(kubeconfig, { namespace, name: "snt-004" }, WITHOUT_CONTAINER);
    const place = { regionId: "west", k8sNamespace: "prod", k8sName: "api", image: V1 };
    await site.client.sentinels.upsertSentinel({ sentinel: { id: "elsewhere", ...place } });

    const { exit, stderr } = await adopt(site, kubeconfig, "--region", "east", "--namespace", namespace, "--yes");
    expect(stderr.split("\n")).toEqual([
      `${namespace}/snt-001: its id twin is also that of ${namespace}/snt-002.`,
      `${namespace}/snt-002: its id twin is also that of ${namespace}/snt-001.`,
      `${namespace}/snt-003: sentinel elsewhere is prod/api of region west.`,
      `${namespace}/snt-004: it has no container sentinel, it has web: see --container.`,
      "4 Deployments cannot be registered, so none is. Put that right, or leave them out with --selector or --namespace.",
      "",
    ]);
    expect(exit).toBe(1);
    expect(await idsIn(site)).toEqual(["elsewhere"]);
  });

  test("the cluster of another region: refused with both clusters", async () => {
    const [east, west] = [await borrowControlPlane("east"), await borrowControlPlane("west")];
    await using fleet = await createExistingFleet(east.kubeconfig, 1);
    await using site = await startSite();
    site.startAgent("west", west.agentKubeconfig);
    const clusterUid = await eventually(async () => {
      const { clusters } = await site.client.cluster.listClusters({});
      return clusters[0]?.clusterUid || false;
    }, PATIENT);
    const { exit, stderr } = await adopt(site, east.kubeconfig, "--region", "west", "--namespace", fleet.namespace);
    expect(stderr).toMatch(
      new RegExp(`^region west is the cluster ${clusterUid}, and this is another one, \\S+\\. Name`),
    );
    expect(exit).toBe(1);
  });
});

describeKube("hydra sentinels import --from-cluster that cannot read: says why, and registers nothing", () => {
  test("a selector that is none, a token that is refused, a cluster that is not there", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using site = await startSite();
    await using directory = await createTemporaryDirectory();
    const which = ["--region", "east", "--selector", "app=x"];
    const changed = async (name: string, change: (text: string) => string) => {
      const file = path.join(directory.path, name);
      await writeFile(file, change(await readFile(kubeconfig, "utf8")));
      return file;
    };
    const stranger = await changed("stranger", (text) => text.replace(/"token": "[^"]+"/, '"token": "x-no-token-x"'));
    const port = await freePort();
    const away = await changed("away", (text) => text.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`));
    const [selector, token, nobody] = await Promise.all([
      adopt(site, kubeconfig, "--region", "east", "--selector", "app in x"),
      adopt(site, stranger, ...which),
      adopt(site, away, ...which),
    ]);
    expect(selector.stderr).toMatch(/^the cluster cannot be read: unable to parse requirement/);
    expect(token.stderr).toMatch(/^the cluster cannot be read: .*Unauthorized/);
    expect(token.stderr).not.toContain("x-no-token-x");
    expect(nobody.stderr).toContain(`the API server of the cluster at https://127.0.0.1:${port} does not answer`);
    expect([selector.exit, token.exit, nobody.exit]).toEqual([1, 1, 1]);
  });
});

const WITHOUT_CONTAINER = {
  spec: {
    template: {
      spec: {
        containers: [
          { name: "sentinel", $patch: "delete" },
          { name: "web", image: "nginx" },
        ],
      },
    },
  },
};

/** Until the agent has told of each that it runs what it ran. */
async function untilHealthy({ client }: Site, count: number): Promise<void> {
  const running = { health: SentinelHealth.HEALTHY, runningImage: V1, availableReplicas: 2 };
  await eventually(async () => {
    const { sentinels } = await client.sentinels.listSentinels({});
    expect(sentinels).toHaveLength(count);
    for (const one of sentinels) expect(one).toMatchObject(running);
  }, PATIENT);
}
