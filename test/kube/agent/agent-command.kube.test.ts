import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { createHydraClient, SentinelRolloutState } from "../../../src/client/index.ts";
import { type HydraProcess, runHydra, startHydraProcess, urlOf } from "../../e2e/hydra-process.ts";
import { scrape } from "../../server/metrics/scraped.ts";
import { createDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { deploymentsIn } from "../fleet.ts";
import { freePort } from "../free-port.ts";
import { createNamespace } from "../namespace.ts";
import { adoptDeployments } from "../rollouts/adoption.ts";
import { type Site, startSite } from "../rollouts/site.ts";

refuseLeaks();

const V1 = "ghcr.io/acme/sentinel:v1";
const V2 = "ghcr.io/acme/sentinel:v2";
/** Takes five seconds to get ready. */
const SLOW = "ghcr.io/acme/sentinel:v2-slow";
const ADMIN = "an-admin-token-of-more-than-32-characters";

describeKube("hydra agent", () => {
  test("its server comes late: tries until it is there, is ready then, says in /metrics what it did, and ends with 0", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using database = await createDatabase();
    const port = await freePort();
    await using agent = await startAgent(agentKubeconfig, { HYDRA_URL: `http://127.0.0.1:${port}` });
    await eventually(
      async () => expect(await agent.page("/readyz")).toEqual([503, "hydra does not answer\n"]),
      PATIENT,
    );
    await eventually(
      () => expect(agent.stderr()).toContain("stream of desired state was cut, connecting again"),
      PATIENT,
    );

    await using server = startHydraProcess(["serve", "--port", String(port)], { DATABASE_URL: database.url });
    const client = createHydraClient({ baseUrl: await urlOf(server) });
    await untilReady(agent);

    await adoptDeployments(client, kubeconfig, 3, { region: "east", namespace: namespace.name, image: V1 });
    await eventually(async () => {
      expect((await scrape(agent.pages)).by("hydra_agent_applies_total")).toEqual({
        applied: 3,
        refused: 0,
        failed: 0,
      });
    });
    expect((await client.rollouts.rollout({ image: V2 })).state).toBe(SentinelRolloutState.COMPLETED);
    const scraped = await scrape(agent.pages);
    expect(scraped.value("hydra_agent_sentinels")).toBe(3);
    expect(scraped.value("hydra_agent_stream_open")).toBe(1);
    expect(scraped.by("hydra_agent_applies_total")).toEqual({ applied: 6, refused: 0, failed: 0 });
    expect(scraped.value("hydra_agent_reports_sent_total")).toBeGreaterThanOrEqual(3);

    agent.kill("SIGTERM");
    expect(await agent.exited).toBe(0);
  });

  test("a token that is wrong, then one of another region: told, without it; the right one in the same file: ready", async () => {
    const { agentKubeconfig } = await borrowControlPlane("east");
    await using database = await createDatabase();
    await using directory = await createTemporaryDirectory();
    const settings = { DATABASE_URL: database.url, HYDRA_ADMIN_TOKEN: ADMIN };
    await using server = startHydraProcess(["serve", "--port", "0"], settings);
    const HYDRA_URL = await urlOf(server);
    const admin = { HYDRA_URL, HYDRA_TOKEN: ADMIN };
    const tokenOf = async (region: string) => {
      const args = ["tokens", "create", `agent-${region}`, "--role", "agent", "--region", region];
      return (await runHydra(args, admin)).stdout.trim();
    };
    const file = path.join(directory.path, "token");
    const wrong = "hydra_there_is_no_such_token";
    await writeFile(file, wrong);
    await using agent = await startAgent(agentKubeconfig, { HYDRA_URL, HYDRA_TOKEN_FILE: file });
    await eventually(() => expect(agent.stderr()).toContain("the server refuses this agent, trying again"), PATIENT);
    expect(agent.stderr()).toContain("unauthenticated");
    expect(await agent.page("/readyz")).toEqual([503, "hydra does not answer\n"]);

    const foreign = await tokenOf("west");
    await writeFile(file, foreign);
    await eventually(() => expect(agent.stderr()).toContain("permission_denied"), PATIENT);
    await writeFile(file, `${await tokenOf("east")}\n`);
    await untilReady(agent);
    for (const token of [wrong, foreign]) expect(agent.stdout() + agent.stderr()).not.toContain(token);
  });

  test("a rolling restart: with the new one there the old one goes in the middle of a rollout; each Deployment is rolled once", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using site = await startSite();
    const fleet = { region: "east", namespace: namespace.name, image: V1 };
    await adoptDeployments(site.client, kubeconfig, 20, fleet);
    await using old = await startAgent(agentKubeconfig, { HYDRA_URL: site.url });
    await untilReady(old);

    await using next = await startAgent(agentKubeconfig, { HYDRA_URL: site.url });
    await untilReady(next);
    const rollout = site.client.rollouts.rollout({ image: SLOW, wavePercentages: [10, 50, 100] });
    await eventually(async () => expect(await progress(site)).toMatchObject({ currentWave: 1 }), PATIENT);
    old.kill("SIGTERM");
    expect(await progress(site)).toMatchObject({ state: SentinelRolloutState.IN_PROGRESS });
    expect(await old.exited).toBe(0);
    expect((await rollout).state).toBe(SentinelRolloutState.COMPLETED);
    const deployments = await deploymentsIn(kubeconfig, namespace.name);
    expect(deployments).toHaveLength(20);
    for (const one of deployments) expect(one).toMatchObject({ image: SLOW, available: 1, revision: 2 });

    const { clusters } = await site.client.cluster.listClusters({});
    expect(clusters[0]?.agents.map(({ connected }) => connected).toSorted()).toEqual([false, true]);
  });
});

describeKube("hydra serve --agent-region", () => {
  test("rolls Deployments by itself, and ends with 0 as a whole", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using database = await createDatabase();
    const args = ["serve", "--port", "0", "--agent-region", "east", "--kubeconfig", agentKubeconfig];
    await using server = startHydraProcess(args, { DATABASE_URL: database.url });
    const client = createHydraClient({ baseUrl: await urlOf(server) });
    await adoptDeployments(client, kubeconfig, 3, { region: "east", namespace: namespace.name, image: V1 });
    expect((await client.rollouts.rollout({ image: V2 })).state).toBe(SentinelRolloutState.COMPLETED);
    for (const one of await deploymentsIn(kubeconfig, namespace.name)) {
      expect(one).toMatchObject({ image: V2, available: 1, revision: 2 });
    }
    server.kill("SIGTERM");
    expect(await server.exited).toBe(0);
  });

  test("a kubeconfig that is not there: the server does not start either, and leaves nothing", async () => {
    await using database = await createDatabase();
    const args = ["serve", "--port", "0", "--agent-region", "east", "--kubeconfig", "/nowhere/kubeconfig"];
    const { exit, stdout, stderr } = await runHydra(args, { DATABASE_URL: database.url });
    expect(stderr).toContain("the agent cannot start: kubeconfig /nowhere/kubeconfig: there is no such file");
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
  });
});

/** Where it does not get ready, its log tells why. */
async function untilReady({ page, stderr }: Awaited<ReturnType<typeof startAgent>>): Promise<void> {
  await eventually(async () => {
    const [status, text] = await page("/readyz");
    if (status !== 200) throw new Error(`not ready: ${text}${stderr().slice(-4_000)}`);
  }, PATIENT);
}

async function progress({ client }: Site) {
  return (await client.rollouts.getRollout({})).rollout;
}

/** Processes start slowly where all of the machine is at work. */
const PATIENT = { timeoutMs: 60_000 };

/** `hydra agent` of region east with its pages. */
async function startAgent(kubeconfig: string, env: Record<string, string>) {
  const port = await freePort();
  const flags = ["--region", "east", "--kubeconfig", kubeconfig, "--health-port", String(port)];
  const agent: HydraProcess = startHydraProcess(["agent", ...flags], env);
  const pages = `http://127.0.0.1:${port}`;
  return {
    ...agent,
    pages,
    async page(name: string) {
      const response = await fetch(`${pages}${name}`);
      return [response.status, await response.text()];
    },
  };
}
