import type { CallOptions } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, type HydraClient, SentinelRolloutState } from "../../src/client/index.ts";
import type { Callers } from "./callers.ts";
import type { Chance } from "./chance.ts";
import { stateName } from "./event-text.ts";
import type { SoakFleet } from "./fleet.ts";
import type { SoakJournal } from "./journal.ts";

/** Late enough to fall into a wave, or after the end. */
const LATEST_MS = 4_000;
const WAVES = [[], [100], [10, 100], [1, 50, 100], [25, 50, 75, 100]];

type Call<T> = (client: HydraClient, options: CallOptions) => Promise<T>;

/** What clients were told of one rollout. */
export interface Told {
  readonly rolloutId: string;
  /** By the last call. Unset: another call was refused, or came in between. */
  readonly state: SentinelRolloutState;
  readonly reverted: number;
}

export interface DriverParts {
  readonly callers: Callers;
  readonly fleet: SoakFleet;
  readonly chance: Chance;
  readonly journal: SoakJournal;
}

/** Leads one rollout after the other to its end, in one of many ways. */
export class SoakDriver {
  readonly #parts: DriverParts;
  readonly #edits = new Map<string, number>();

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  /** One rollout, from its start until it is completed or cancelled. */
  async lead(image: string): Promise<Told> {
    const { chance, fleet, journal } = this.#parts;
    if (chance.percent(20)) await fleet.grow(chance.below(5));
    if (chance.percent(30)) await this.#edit();
    const request = { image, wavePercentages: chance.pick(WAVES) };
    const ended = this.#twice("Rollout", (client, options) => client.rollouts.rollout(request, options));
    const meddling = this.#meddle();
    const { state, rolloutId } = await ended;
    const wasCancelled = await meddling;
    journal.count("rollouts");
    return this.#bringToAnEnd(rolloutId, wasCancelled ? SentinelRolloutState.CANCELLED : state);
  }

  async #bringToAnEnd(rolloutId: string, first: SentinelRolloutState): Promise<Told> {
    const { chance } = this.#parts;
    let state = first;
    let reverted = 0;
    const rollBack = async () => {
      const call: Call<{ reverted: number }> = (client, options) => client.rollouts.rollbackAll({ rolloutId }, options);
      reverted += (await this.#twice("RollbackAll", call)).reverted;
      state = SentinelRolloutState.CANCELLED;
    };
    while (state === SentinelRolloutState.PAUSED) {
      const next = chance.weighted({ resume: 6, rollBack: 2, cancel: 2 });
      if (next === "rollBack") await rollBack();
      else if (next === "cancel") state = (await this.#cancel(rolloutId)) ? SentinelRolloutState.CANCELLED : state;
      else
        state = (await this.#twice("Resume", (client, options) => client.rollouts.resume({ rolloutId }, options)))
          .state;
    }
    if (state === SentinelRolloutState.CANCELLED && chance.percent(50)) await rollBack();
    return { rolloutId, state, reverted };
  }

  /** While a rollout runs: a cancel, an edit, new sentinels, or nothing. True: it has been cancelled. */
  async #meddle(): Promise<boolean> {
    const { chance, fleet } = this.#parts;
    const what = chance.weighted({ nothing: 50, cancel: 25, edit: 15, grow: 10 });
    if (what === "nothing") return false;
    await delay(chance.below(LATEST_MS));
    if (what === "edit") await this.#edit();
    if (what === "grow") await fleet.grow(1);
    if (what !== "cancel") return false;
    const { rollout } = await this.#parts.callers.insist((client, options) => client.rollouts.getRollout({}, options));
    return rollout?.state === SentinelRolloutState.IN_PROGRESS && (await this.#cancel(rollout.id));
  }

  async #cancel(rolloutId: string): Promise<boolean> {
    try {
      await this.#twice("Cancel", (client, options) => client.rollouts.cancel({ rolloutId }, options));
    } catch (error) {
      // It ended, or was paused and went on, before the call came.
      if (ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
      this.#parts.journal.count("Cancel too late");
      return false;
    }
    return true;
  }

  /** The memory of a sentinel is the number of times that it was edited: a repeat changes nothing. */
  async #edit(): Promise<void> {
    const { callers, fleet, journal } = this.#parts;
    const id = fleet.anyId();
    const memoryMib = (this.#edits.get(id) ?? 0) + 1;
    this.#edits.set(id, memoryMib);
    await callers.insist((client, options) =>
      client.sentinels.upsertSentinel({ sentinel: { id, memoryMib } }, options),
    );
    journal.count("edits");
  }

  /** Until there is an answer; then once more with the same key: whichever server says it, it is the same one. */
  async #twice<T extends object>(name: string, call: Call<T>): Promise<T> {
    const { callers, journal } = this.#parts;
    const key = randomUUID();
    const first = await callers.insist(call, key);
    const second = await callers.insist(call, key);
    if (text(first) !== text(second)) journal.find(`${name} was answered ${text(first)}, then ${text(second)}`);
    journal.count(`call: ${name}`);
    return first;
  }
}

function text(answer: object): string {
  const { state, ...rest } = answer as { state?: SentinelRolloutState };
  return JSON.stringify({ ...rest, ...(state === undefined ? {} : { state: stateName(state) }) });
}
