import { startSimulatedFleet } from "../../src/agent/index.ts";
import { quietLog } from "../support/quiet-log.ts";
import { type Callers, rotatingTransport } from "./callers.ts";
import type { Chance } from "./chance.ts";

export const FIRST_IMAGE = "registry.test/sentinel:first";
const REGIONS = ["soak-1", "soak-2"];
/** Long enough that most troubles fall into a wave. */
const CONVERGE_MS = { min: 0, max: 1_500 };
/** At most that many in a thousand fail. */
const MOST_FAILING = 5;
const IN_A_MESSAGE = 1_000;

/** Simulated sentinels with an agent a region, over HTTP. It may grow, and its agents may be restarted. */
export class SoakFleet {
  readonly #urls: readonly string[];
  readonly #chance: Chance;
  readonly #callers: Callers;
  #size = 0;
  #agents: { stop(): Promise<void> } | undefined;
  #agentRuns = 0;

  constructor(urls: readonly string[], callers: Callers, chance: Chance) {
    this.#urls = urls;
    this.#chance = chance;
    this.#callers = callers;
  }

  get size(): number {
    return this.#size;
  }

  anyId(): string {
    return idOf(this.#chance.below(this.#size));
  }

  /** Imports all there are, as they are, and `more` new ones. */
  async grow(more: number): Promise<void> {
    const known = this.#size;
    const all = Array.from({ length: known + more }, (_, index) => ({
      id: idOf(index),
      regionId: REGIONS[index % REGIONS.length] ?? "",
      k8sNamespace: "soak",
      k8sName: `snt-${index}`,
      ...(index < known ? {} : { image: FIRST_IMAGE }),
    }));
    async function* messages() {
      for (let from = 0; from < all.length; from += IN_A_MESSAGE) {
        yield { sentinels: all.slice(from, from + IN_A_MESSAGE) };
      }
    }
    await this.#callers.insist((client, options) => client.sentinels.importSentinels(messages(), options));
    this.#size = all.length;
  }

  /** Ends the agents and starts others, whose clusters may have sentinels that take no new image. */
  async restartAgents(): Promise<void> {
    await this.#agents?.stop();
    const failing = this.#chance.percent(60) ? this.#chance.below((this.#size * MOST_FAILING) / 1_000 + 2) : 0;
    this.#agents = startSimulatedFleet({
      transport: rotatingTransport(this.#urls, this.#agentRuns++),
      regionIds: REGIONS,
      convergeMs: CONVERGE_MS,
      failures: new Map(Array.from({ length: failing }, () => [this.anyId(), "image_pull"])),
      seed: this.#agentRuns,
      version: "soak",
      log: quietLog,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agents?.stop();
  }
}

function idOf(index: number): string {
  return `snt_${String(index).padStart(6, "0")}`;
}
