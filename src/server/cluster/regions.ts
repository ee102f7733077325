import { Code, ConnectError } from "@connectrpc/connect";
import { type Engine, TerminalError } from "../../engine/index.ts";
import { touchRegion } from "../../rollout/index.ts";
import type { AgentIdentity } from "./agent-identity.ts";

const REMEMBER_MS = 10_000;
const MOST_REMEMBERED = 1_000;

/**
 * Which cluster each region is: the first agent of a region says so, agents of
 * another one are refused. What the table said is remembered for 10 seconds, so
 * that not every report costs a write; that long an agent is told nothing new
 * after somebody has freed its region.
 */
export class Regions {
  readonly #engine: Engine;
  readonly #admitted = new Map<string, { clusterUid: string; until: number }>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Notes that the agent was here. Throws FAILED_PRECONDITION where its region is another cluster. */
  async admit({ regionId, clusterUid, version }: AgentIdentity): Promise<void> {
    const known = this.#admitted.get(regionId);
    if (known && known.clusterUid === clusterUid && performance.now() < known.until) return;
    const region = await this.#engine.execute(touchRegion, { regionId, clusterUid, agentVersion: version });
    if (!region) throw new TerminalError(`region ${regionId} could not be noted, try again`, "unavailable");
    if (region.clusterUid !== clusterUid) throw otherCluster(regionId, region.clusterUid, clusterUid);
    if (this.#admitted.size >= MOST_REMEMBERED) this.#admitted.clear();
    this.#admitted.set(regionId, { clusterUid, until: performance.now() + REMEMBER_MS });
  }
}

function otherCluster(regionId: string, registered: string, asking: string): ConnectError {
  return new ConnectError(
    `region ${regionId} is cluster ${registered}, this agent is of cluster ${asking}: give it another region, ` +
      "or, if the cluster was replaced, delete the region's row in table regions",
    Code.FailedPrecondition,
  );
}
