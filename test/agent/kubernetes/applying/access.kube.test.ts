import { expect, test } from "vitest";
import { connectToCluster } from "../../../../src/agent/kubernetes/connection/connect.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { borrowControlPlane, describeKube } from "../../../kube/borrowing.ts";
import { createStranger } from "../../../kube/stranger.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { makeDeployment, openSandbox, reasonOf, signal } from "./sandbox.ts";

refuseLeaks();

describeKube("an agent without rights", () => {
  test("access is denied for a moment, as by an API server that has just started: trouble that passes", async () => {
    await using given = await asStranger();
    const { sandbox, stranger, client } = given;
    await makeDeployment(sandbox);
    const applier = await sandbox.applier({ client });
    await expect(applier.apply(sandbox.desired(), signal)).rejects.toMatchObject({ status: 403 });
    await stranger.grantRights();
    await expect.poll(() => applier.apply(sandbox.desired(), signal)).toMatchObject({ kind: "applied" });
  });

  test("access has been denied for long: refused with class forbidden, and the right that is missing", async () => {
    await using given = await asStranger();
    const { sandbox, client } = given;
    await makeDeployment(sandbox);
    const applied = await (await sandbox.applier({ client, accessGraceMs: 0 })).apply(sandbox.desired(), signal);
    expect(applied).toMatchObject({ kind: "refused", failure: { failureClass: DeployFailureClass.FORBIDDEN } });
    expect(reasonOf(applied)).toMatch(/User ".*:stranger" cannot get resource "deployments" in API group "apps"/);
  });
});

async function asStranger() {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await openSandbox());
  const { kubeconfig } = await borrowControlPlane("east");
  const stranger = owned.use(await createStranger(kubeconfig, sandbox.namespace));
  const connection = await connectToCluster({ kubeconfigFile: stranger.kubeconfig, log: quietLog, signal });
  owned.defer(() => connection.close());
  const ended = owned.move();
  return { sandbox, stranger, client: connection.client, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}
