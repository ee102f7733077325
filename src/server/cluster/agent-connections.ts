import { randomUUID } from "node:crypto";
import type { Engine } from "../../engine/index.ts";
import { leaveAgent } from "../../rollout/index.ts";
import type { AgentIdentity } from "./agent-identity.ts";
import type { AgentStream, AgentStreams } from "./agent-streams.ts";
import type { Regions } from "./regions.ts";

// What the table of agents says of the streams that are open on this server.
//
//   G1. A stream is noted when it opens, every `noteMs` while it is open, however
//       slowly its agent reads, and when it ends.
//   G2. Of an agent with several streams the one opened last counts, on whatever
//       server; the late end of an older one changes nothing.

export interface AgentConnectionsDeps {
  readonly engine: Engine;
  readonly regions: Regions;
  readonly streams: AgentStreams;
  readonly noteMs: number;
}

export class AgentConnections {
  readonly #deps: AgentConnectionsDeps;

  constructor(deps: AgentConnectionsDeps) {
    this.#deps = deps;
  }

  /**
   * The agent's stream is open until the function returned is called, which may be called again.
   * Throws FAILED_PRECONDITION where the agent's region is another cluster.
   */
  async open(agent: AgentIdentity, stream: AgentStream): Promise<() => void> {
    const { regions, streams, noteMs } = this.#deps;
    const name = randomUUID();
    const note = (begins: boolean) => regions.note(agent, { stream: name, begins, toldUpTo: toldUpTo(stream) });
    await note(true);
    const remove = streams.add(stream);
    // A note that fails is made up for by the next one; an agent that is refused by now is told with its next heartbeat.
    const timer = setInterval(() => void note(false).catch(() => {}), noteMs).unref();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      clearInterval(timer);
      remove();
      this.#leave(agent, name);
    };
  }

  /** Without it, on a server that stops or has no database, the agent counts as connected for a minute more. */
  #leave({ regionId, instance }: AgentIdentity, stream: string): void {
    this.#deps.engine.execute(leaveAgent, { regionId, instance, stream }).catch(() => {});
  }
}

function toldUpTo({ toldUpTo: version }: AgentStream): number | null {
  return version === undefined ? null : Number(version);
}
