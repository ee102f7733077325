import { createHydraClient, type HydraClient } from "../../../src/client/index.ts";
import { type HydraProcess, startHydraProcess, urlOf } from "../../e2e/hydra-process.ts";
import { createDatabase } from "../../support/database.ts";

/** As short as two cores allow: bad news of a moment is not under test here. */
const GRACE = "1s";

export interface SiteOptions {
  /** Default `1m`: nothing fails by time where nothing is wrong. */
  readonly deployTimeout?: string;
}

/** A hydra with a database of its own, and the agents of its clusters: processes, as they are run. */
export interface Site extends AsyncDisposable {
  readonly client: HydraClient;
  readonly url: string;
  /** Ended with the site, unless before. */
  startAgent(region: string, kubeconfig: string, ...flags: string[]): HydraProcess;
}

export async function startSite({ deployTimeout = "1m" }: SiteOptions = {}): Promise<Site> {
  await using owned = new AsyncDisposableStack();
  const database = owned.use(await createDatabase());
  const env = { DATABASE_URL: database.url, HYDRA_DEPLOY_TIMEOUT: deployTimeout };
  const server = owned.use(startHydraProcess(["serve", "--port", "0"], env));
  const url = await urlOf(server);
  const ended = owned.move();
  return {
    client: createHydraClient({ baseUrl: url }),
    url,
    startAgent(region, kubeconfig, ...flags) {
      const agentEnv = { HYDRA_URL: url, HYDRA_AGENT_GRACE: GRACE };
      const args = ["agent", "--region", region, "--kubeconfig", kubeconfig, ...flags];
      return ended.use(startHydraProcess(args, agentEnv));
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
