import { setTimeout as delay } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import type { RolloutEvent } from "../../src/client/index.ts";
import { type Callers, isNoAnswer } from "./callers.ts";
import { textOfEvent } from "./event-text.ts";
import type { SoakJournal } from "./journal.ts";

/** More than two heartbeats of a server: silence for longer means that nobody is there. */
const SILENCE_MS = 35_000;
const PAUSE_MS = 100;

/** Follows all events from the first on, through any number of lost connections, and goes on with its position. */
export class SoakWatcher {
  readonly #callers: Callers;
  readonly #journal: SoakJournal;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #position = 0n;
  #delivered: string[] = [];

  constructor(callers: Callers, journal: SoakJournal) {
    this.#callers = callers;
    this.#journal = journal;
    this.#running = this.#run();
  }

  get position(): bigint {
    return this.#position;
  }

  /** What was delivered since the last time that this was asked. */
  take(): string[] {
    const taken = this.#delivered;
    this.#delivered = [];
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#follow();
        this.#journal.find("a Watch of all rollouts ended by itself");
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        if (!isNoAnswer(error)) this.#journal.find(`a Watch was refused: ${ConnectError.from(error).message}`);
      }
      this.#journal.count("watch connected again");
      await delay(PAUSE_MS);
    }
  }

  async #follow(): Promise<void> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const signal = AbortSignal.any([this.#stopping.signal, silence.signal]);
    try {
      const afterSequence = this.#position;
      for await (const { message } of this.#callers.any().rollouts.watch({ afterSequence }, { signal })) {
        timer.refresh();
        if (message.case === "event") this.#take(message.value);
        else if (message.case === "snapshot") this.#journal.find("a Watch with a position was given a snapshot");
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take(event: RolloutEvent): void {
    if (event.sequence !== this.#position + 1n) {
      this.#journal.find(`a Watch delivered event ${event.sequence} after ${this.#position}`);
    }
    this.#position = event.sequence;
    this.#delivered.push(textOfEvent(event));
  }
}
