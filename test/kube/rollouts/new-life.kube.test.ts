import { expect, test } from "vitest";
import { SentinelDeployStatus } from "../../../src/client/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { deploymentsIn } from "../fleet.ts";
import { createNamespace } from "../namespace.ts";
import { adoptDeployments } from "./adoption.ts";
import { startSite } from "./site.ts";

refuseLeaks();

const image = (tag: string) => `ghcr.io/acme/sentinel:${tag}`;

describeKube("a sentinel that is removed and imported again while no agent is there", () => {
  test("its Deployment remembers greater numbers: the import counts all the same, and so do the next deploys", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using site = await startSite();
    const { sentinels } = site.client;
    const fleet = { region: "east", namespace: namespace.name, image: image("v1") };
    const [sentinelId = ""] = await adoptDeployments(site.client, kubeconfig, 1, fleet);
    const agent = site.startAgent("east", agentKubeconfig);
    for (const tag of ["v2", "v3"]) {
      expect(await sentinels.deploy({ sentinelId, image: image(tag) })).toMatchObject({ status: READY });
    }
    agent.kill("SIGKILL");
    await agent.exited;

    await sentinels.deleteSentinel({ sentinelId });
    const place = { regionId: "east", k8sNamespace: namespace.name, k8sName: "snt-001" };
    await sentinels.upsertSentinel({ sentinel: { id: sentinelId, ...place, image: image("v1") } });
    site.startAgent("east", agentKubeconfig);
    await eventually(
      async () => expect(await deploymentsIn(kubeconfig, namespace.name)).toMatchObject([{ image: image("v1") }]),
      { timeoutMs: 45_000 },
    );
    expect(await sentinels.deploy({ sentinelId, image: image("v2") })).toMatchObject({ status: READY });
  });
});

const READY = SentinelDeployStatus.READY;
