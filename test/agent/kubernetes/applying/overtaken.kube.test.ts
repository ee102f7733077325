import { expect, test } from "vitest";
import type { KubeClient } from "../../../../src/agent/kubernetes/kube-client.ts";
import { describeKube } from "../../../kube/borrowing.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { deploymentsPath, edit, makeDeployment, openSandbox, readDeployment, sentinelOf, signal } from "./sandbox.ts";

refuseLeaks();

describeKube("a Deployment that changes between looking and writing", () => {
  test("somebody deletes it and makes another: the other is looked at, and adopted", async () => {
    await using sandbox = await openSandbox();
    const first = await makeDeployment(sandbox);
    const client = meddling(sandbox.client, async () => {
      await sandbox.others.request("DELETE", `${deploymentsPath(sandbox.namespace)}/a`);
      await makeDeployment(sandbox, { replicas: 2 });
    });
    await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    const after = await readDeployment(sandbox);
    expect(after.metadata?.uid).not.toBe(first.metadata?.uid);
    expect(after.spec?.replicas).toBe(2);
    expect(sentinelOf(after).image).toBe("example.com/sentinel:2");
    expect(sandbox.writes).toEqual(["PATCH deployments/a"]);
  });

  test("somebody deletes it: it is not brought back as half of one, but made from the template", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const client = meddling(sandbox.client, () =>
      sandbox.others.request("DELETE", `${deploymentsPath(sandbox.namespace)}/a`),
    );
    const applied = await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "applied", deployment: { createdByHydra: true } });
  });

  test("somebody changes the image: that somebody is named", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const containers = [{ name: "sentinel", image: "example.com/sentinel:mine" }];
    const client = meddling(sandbox.client, () => edit(sandbox, { spec: { template: { spec: { containers } } } }));
    const applied = await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ deployment: { takenFrom: "image from kubectl-edit" } });
  });

  test("another agent applies a newer deploy: it stays", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const other = await sandbox.applier();
    const newer = sandbox.desired({ image: "example.com/sentinel:3", generation: 3n, deployNumber: 2n });
    const client = meddling(sandbox.client, () => other.apply(newer, signal));
    const applied = await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "applied", deployment: { appliedDeploy: 2n } });
    expect(sentinelOf(await readDeployment(sandbox)).image).toBe("example.com/sentinel:3");
  });

  test("there is none, and somebody makes one: it is adopted, not replaced", async () => {
    await using sandbox = await openSandbox();
    const client = meddling(sandbox.client, () => makeDeployment(sandbox));
    const applied = await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "applied", deployment: { createdByHydra: false, appliedDeploy: 1n } });
    expect((await readDeployment(sandbox)).metadata?.labels).toEqual({
      team: "edge",
      "hydra.dev/sentinel.id": "snt_1",
    });
  });

  test("two agents make one at the same time: there is one, and both say so", async () => {
    await using sandbox = await openSandbox();
    const agents = [await sandbox.applier(), await sandbox.applier()];
    const applied = await Promise.all(agents.map((agent) => agent.apply(sandbox.desired(), signal)));
    const { uid } = (await readDeployment(sandbox)).metadata ?? {};
    expect(applied).toMatchObject([{ deployment: { uid } }, { deployment: { uid } }]);
  });
});

/** Somebody is busy right after the first look at the Deployment. */
function meddling(client: KubeClient, meddle: () => Promise<unknown>): KubeClient {
  let looked = false;
  return {
    async request<T>(...[method, path, options]: Parameters<KubeClient["request"]>): Promise<T> {
      const answer = client.request<T>(method, path, options);
      if (method !== "GET" || looked) return answer;
      looked = true;
      // Not there is an answer, too.
      await answer.catch(() => {});
      await meddle();
      return answer;
    },
  };
}
