import { expect, test } from "vitest";
import { Annotation } from "../../../../src/agent/kubernetes/objects.ts";
import { describeKube } from "../../../kube/borrowing.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { makeDeployment, openSandbox, readDeployment, type Sandbox, sentinelOf, signal } from "./sandbox.ts";

refuseLeaks();

describeKube("a sentinel whose numbers have begun anew", () => {
  test("what its Deployment says counts for nothing: it is applied, and its numbers are those of now (N3)", async () => {
    await using sandbox = await openSandbox();
    const applied = await applySeven(sandbox);
    const desired = sandbox.desired({ generation: 1n, deployNumber: 0n, image: "example.com/sentinel:1" });
    const applier = await sandbox.applier();
    await applier.apply(desired, signal, applied);
    const after = await readDeployment(sandbox);
    expect(sentinelOf(after).image).toBe("example.com/sentinel:1");
    expect(after.metadata?.annotations).toMatchObject({ [Annotation.GENERATION]: "1", [Annotation.DEPLOY]: "0" });
    sandbox.writes.length = 0;
    await applier.apply(desired, signal, applied);
    expect(sandbox.writes).toEqual([]);
  });

  test("somebody has applied something else meanwhile: that counts, and stays", async () => {
    await using sandbox = await openSandbox();
    const applied = await applySeven(sandbox);
    const applier = await sandbox.applier();
    await applier.apply(sandbox.desired({ generation: 8n, image: "example.com/sentinel:8" }), signal);
    sandbox.writes.length = 0;
    await applier.apply(sandbox.desired({ generation: 1n, image: "example.com/sentinel:1" }), signal, applied);
    expect(sandbox.writes).toEqual([]);
  });

  test("the same numbers for another configuration: to be told from each other on the Deployment itself (N2)", async () => {
    await using sandbox = await openSandbox();
    const one = await applySeven(sandbox);
    expect(one?.appliedConfiguration).toMatch(/^[0-9a-f]{16}$/);
    const applier = await sandbox.applier();
    const other = sandbox.desired({ generation: 7n, deployNumber: 5n, image: "example.com/sentinel:other" });
    const applied = await applier.apply(other, signal, one);
    expect(applied.deployment?.appliedConfiguration).not.toBe(one?.appliedConfiguration);
  });

  test("it leaves hydra and comes back: nothing of what was told before is left on its Deployment", async () => {
    await using sandbox = await openSandbox();
    await applySeven(sandbox);
    const applier = await sandbox.applier();
    await applier.remove("snt_1", { namespace: sandbox.namespace, name: "a" }, signal);
    const back = sandbox.desired({ generation: 1n, deployNumber: 0n, image: "example.com/sentinel:1" });
    await applier.apply(back, signal);
    expect(sentinelOf(await readDeployment(sandbox)).image).toBe("example.com/sentinel:1");
  });
});

/** Applies deploy 5 with generation 7. */
async function applySeven(sandbox: Sandbox) {
  await makeDeployment(sandbox);
  const desired = sandbox.desired({ generation: 7n, deployNumber: 5n, image: "example.com/sentinel:7" });
  const applied = await (await sandbox.applier()).apply(desired, signal);
  return applied.deployment;
}
