import { Code, ConnectError } from "@connectrpc/connect";
import { type Engine, TerminalError } from "../../engine/index.ts";
import { type TouchRegionRow, touchRegion } from "../../rollout/index.ts";
import type { AgentIdentity } from "./agent-identity.ts";

const REMEMBER_MS = 10_000;
const MOST_REMEMBERED = 1_000;

/** What a stream of desired state tells of itself. */
export type StreamNote = Pick<TouchRegionRow, "stream" | "begins" | "toldUpTo">;

const NO_STREAM: StreamNote = { stream: "", begins: false, toldUpTo: null };

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

  /** Lets an agent through, and notes now and then that it was here. Throws FAILED_PRECONDITION where its region is another cluster. */
  async admit(agent: AgentIdentity): Promise<void> {
    const known = this.#admitted.get(keyOf(agent));
    if (known && known.clusterUid === agent.clusterUid && performance.now() < known.until) return;
    await this.note(agent, NO_STREAM);
  }

  /** Notes at once that an agent is here, and what its stream tells of itself. Throws as `admit` does. */
  async note(agent: AgentIdentity, stream: StreamNote): Promise<void> {
    const { regionId, clusterUid, version: agentVersion, instance } = agent;
    const row = { regionId, clusterUid, agentVersion, instance, ...stream };
    const region = await this.#engine.execute(touchRegion, row);
    if (!region) throw new TerminalError(`region ${regionId} could not be noted, try again`, "unavailable");
    if (region.clusterUid !== clusterUid) {
      this.#admitted.delete(keyOf(agent));
      throw otherCluster(regionId, region.clusterUid, clusterUid);
    }
    if (this.#admitted.size >= MOST_REMEMBERED) this.#admitted.clear();
    this.#admitted.set(keyOf(agent), { clusterUid, until: performance.now() + REMEMBER_MS });
  }
}

/** Neither part has control characters. */
function keyOf({ regionId, instance }: AgentIdentity): string {
  return `${regionId}\n${instance}`;
}

function otherCluster(regionId: string, registered: string, asking: string): ConnectError {
  return new ConnectError(
    `region ${regionId} is cluster ${registered}, this agent is of cluster ${asking}: give it another region, ` +
      "or, if the cluster was replaced, delete the region's row in table regions",
    Code.FailedPrecondition,
  );
}
