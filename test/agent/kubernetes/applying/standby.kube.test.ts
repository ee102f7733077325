import { expect, test } from "vitest";
import { SentinelDesiredState } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { describeKube } from "../../../kube/borrowing.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { edit, makeAutoscaler, makeDeployment, openSandbox, readDeployment, recordedFor, signal } from "./sandbox.ts";

refuseLeaks();

const STANDBY = { desiredState: SentinelDesiredState.STANDBY };
const BEFORE = "hydra.dev/replicas-before-standby";

describeKube("a sentinel on standby", () => {
  test("its row names no replicas: scaled to zero, and back to the number from before", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox, { replicas: 3 });
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(STANDBY), signal);
    const resting = await readDeployment(sandbox);
    expect(resting.spec?.replicas).toBe(0);
    expect(resting.metadata?.annotations).toMatchObject({
      [BEFORE]: "3",
      "hydra.dev/taken-from": "image from argocd, replicas from argocd",
    });
    // A deploy in between forgets nothing.
    await applier.apply(sandbox.desired({ ...STANDBY, generation: 3n, image: "example.com/sentinel:3" }), signal);
    expect((await readDeployment(sandbox)).metadata?.annotations).toMatchObject({ [BEFORE]: "3" });

    await applier.apply(sandbox.desired({ generation: 4n }), signal);
    const back = await readDeployment(sandbox);
    expect(back.spec?.replicas).toBe(3);
    expect(back.metadata?.annotations).not.toHaveProperty(BEFORE);

    await applier.apply(sandbox.desired({ generation: 5n }), signal);
    const later = await readDeployment(sandbox);
    expect(later.spec?.replicas).toBe(3);
    expect(recordedFor(later, "f:spec", "f:replicas")).toEqual([]);
  });

  test("its row names replicas: back to these", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox, { replicas: 3 });
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ ...STANDBY, desiredReplicas: 2 }), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(0);
    await applier.apply(sandbox.desired({ desiredReplicas: 2, generation: 3n }), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(2);
  });

  test("somebody scales it up meanwhile: it is left alone until something is new", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(STANDBY), signal);
    await edit(sandbox, { spec: { replicas: 2 } });
    await applier.apply(sandbox.desired(STANDBY), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(2);
    await applier.apply(sandbox.desired({ ...STANDBY, generation: 3n }), signal);
    const after = await readDeployment(sandbox);
    expect(after.spec?.replicas).toBe(0);
    expect(after.metadata?.annotations).toMatchObject({
      [BEFORE]: "2",
      "hydra.dev/taken-from": "replicas from kubectl-edit",
    });
  });

  test("it has no Deployment yet: one without replicas is made, which runs later", async () => {
    await using sandbox = await openSandbox();
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired(STANDBY), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(0);
    await applier.apply(sandbox.desired({ generation: 3n }), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(1);
  });

  test("an autoscaler decides on its replicas: the ways to zero and back are hydra's, what lies between is not", async () => {
    await using sandbox = await openSandbox();
    await makeDeployment(sandbox, { replicas: 2 });
    await makeAutoscaler(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ ...STANDBY, desiredReplicas: 3 }), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(0);
    await applier.apply(sandbox.desired({ generation: 3n, desiredReplicas: 3 }), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(3);
    await applier.apply(sandbox.desired({ generation: 4n, desiredReplicas: 1 }), signal);
    expect((await readDeployment(sandbox)).spec?.replicas).toBe(3);
  });
});
