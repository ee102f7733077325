import { expect, test } from "vitest";
import { connectToCluster } from "../../../../src/agent/kubernetes/connection/connect.ts";
import { borrowControlPlane, describeKube } from "../../../kube/borrowing.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { startLosingProxy } from "./losing-proxy.ts";
import { makeDeployment, openSandbox, readDeployment, sentinelOf, signal } from "./sandbox.ts";

refuseLeaks();

describeKube("a write whose answer is lost", () => {
  test("it was applied: looked at again, not written a second time, and who had the image before is still told", async () => {
    await using given = await throughProxy();
    const { sandbox, proxy, client } = given;
    await makeDeployment(sandbox);
    proxy.loseAnswerTo("PATCH");
    const applied = await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({
      kind: "applied",
      deployment: { appliedDeploy: 1n, takenFrom: "image from argocd", generation: 2 },
    });
    // Before that, its controller may have been faster once.
    expect(proxy.answers.slice(proxy.answers.indexOf("PATCH 200"))).toEqual(["PATCH 200", "PATCH 409", "GET 200"]);
  });

  test("hydra let go of fields: that is looked at again, and the image is applied once", async () => {
    await using given = await throughProxy();
    const { sandbox, proxy, client } = given;
    const applier = await sandbox.applier({ client });
    await makeDeployment(sandbox);
    await applier.apply(sandbox.desired({ cpuMillicores: 100 }), signal);
    proxy.answers.length = 0;
    proxy.loseAnswerTo("PATCH");
    const next = sandbox.desired({ generation: 3n, image: "example.com/sentinel:3" });
    expect(await applier.apply(next, signal)).toMatchObject({ kind: "applied", deployment: { generation: 3 } });
    expect(proxy.answers.filter((answer) => answer === "PATCH 200")).toHaveLength(2);
    const after = sentinelOf(await readDeployment(sandbox));
    expect(after).toMatchObject({ image: "example.com/sentinel:3", resources: { requests: { cpu: "100m" } } });
  });

  test.each([
    ["the Service", /services\?(?!.*dryRun)/],
    ["the Deployment", /deployments\?(?!.*dryRun)/],
  ])("%s was made: there is one of each, and no refusal", async (_, url) => {
    await using given = await throughProxy();
    const { sandbox, proxy, client } = given;
    proxy.loseAnswerTo("POST", url);
    const applied = await (await sandbox.applier({ client })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "applied", deployment: { createdByHydra: true, appliedDeploy: 1n } });
    expect(proxy.answers.filter((answer) => answer === "POST 409")).toHaveLength(1);
  });

  test("it was deleted: that is no trouble", async () => {
    await using given = await throughProxy();
    const { sandbox, proxy, client } = given;
    const applier = await sandbox.applier({ client });
    await applier.apply(sandbox.desired(), signal);
    proxy.loseAnswerTo("DELETE");
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    await expect(readDeployment(sandbox)).rejects.toMatchObject({ status: 404 });
  });
});

/** A sandbox, and a client with the agent's rights whose answers may get lost. */
async function throughProxy() {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await openSandbox());
  const { agentKubeconfig } = await borrowControlPlane("east");
  const proxy = owned.use(await startLosingProxy(agentKubeconfig));
  const connection = await connectToCluster({ kubeconfigFile: proxy.kubeconfig, log: quietLog, signal });
  owned.defer(() => connection.close());
  const ended = owned.move();
  return { sandbox, proxy, client: connection.client, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}
