/** How far a stream has come. */
export interface AgentStream {
  /** The agent knows every change up to this version; undefined: it is being told everything. */
  readonly toldUpTo: bigint | undefined;
}

/** The streams of agents that are open on this server, for metrics. */
export class AgentStreams {
  readonly #streams = new Set<AgentStream>();

  /** A stream is open until the function returned is called. */
  add(stream: AgentStream): () => void {
    this.#streams.add(stream);
    return () => void this.#streams.delete(stream);
  }

  /** How many are being told everything, and how many changes. */
  open(): { everything: number; changes: number } {
    const everything = [...this.#streams].filter((stream) => stream.toldUpTo === undefined).length;
    return { everything, changes: this.#streams.size - everything };
  }

  /** How many versions the slowest one is behind `latest`. */
  mostUntold(latest: bigint): number {
    let most = 0n;
    for (const { toldUpTo = latest } of this.#streams) if (latest - toldUpTo > most) most = latest - toldUpTo;
    return Number(most);
  }
}
