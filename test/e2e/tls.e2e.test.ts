import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TestAuthority } from "../support/certificates.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { leftOutWithout } from "./client-tools.ts";
import { runHydra, startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const run = promisify(execFile);
const WATCH = "hydra.v1.SentinelRolloutService/Watch";

test.skipIf(leftOutWithout("grpcurl"))(
  "a server with a certificate: a rollout by the command line, watched by it and by grpcurl to its end",
  async () => {
    await using directory = await createTemporaryDirectory();
    const authority = new TestAuthority(directory.path);
    const { certFile, keyFile } = authority.issue("server");
    const args = ["dev", "--port", "0", "--data-dir", `${directory.path}/data`, "--sentinels", "20", "--converge", "0"];
    await using dev = startHydraProcess(args, { HYDRA_TLS_CERT_FILE: certFile, HYDRA_TLS_KEY_FILE: keyFile });
    const settings = { HYDRA_URL: await urlOf(dev), HYDRA_CA_FILE: authority.caFile };

    const rollout = await runHydra(["rollout", "acme/sentinel:v2"], settings);
    expect(rollout).toMatchObject({ exit: 0, stderr: "" });
    expect(rollout.stdout).toContain("wave 4 completed");

    const watched = await runHydra(["watch", "--json", "--after", "0"], settings);
    expect(watched).toMatchObject({ exit: 0, stderr: "" });
    const lines = watched.stdout.trim().split("\n");
    expect(lines.at(-1)).toContain("ROLLOUT_COMPLETED");

    const { rolloutId } = (JSON.parse(lines.at(-1) ?? "") as { event: { rolloutId: string } }).event;
    const body = JSON.stringify({ rollout_id: rolloutId, after_sequence: "0" });
    const host = new URL(settings.HYDRA_URL).host;
    const { stdout } = await run("grpcurl", ["-cacert", authority.caFile, "-d", body, host, WATCH]);
    expect(stdout.match(/"event": \{/g)).toHaveLength(lines.length);

    const untrusting = await runHydra(["status"], { HYDRA_URL: settings.HYDRA_URL });
    expect(untrusting.exit).toBe(5);
    expect(untrusting.stderr).toContain("HYDRA_CA_FILE");
    dev.kill("SIGTERM");
    expect(await dev.exited).toBe(0);
  },
);

test("one of the two files alone: told before anything starts to serve", async () => {
  await using directory = await createTemporaryDirectory();
  const args = ["serve", "--port", "0", "--data-dir", `${directory.path}/data`];
  const { exit, stderr } = await runHydra(args, { HYDRA_TLS_KEY_FILE: "/nowhere/tls.key" });
  expect(stderr).toContain("HYDRA_TLS_KEY_FILE is set and HYDRA_TLS_CERT_FILE is not");
  expect(exit).toBe(1);
});
