import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type CallOptions, Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createHydraClient, type HydraClient } from "../../src/client/index.ts";
import type { Chance } from "./chance.ts";
import type { SoakJournal } from "./journal.ts";

// Callers know several servers: who gets no answer asks another one, with the same idempotency key. All speak HTTP/1.1, as
// hydra's own command line and agents do: a client of Connect on HTTP/2 whose idle connection a stopping server closes may
// end its process with an uncaught error (connectrpc/connect-es#1768).

/** Shorter than some rollouts last: a repeat waits for the one that is under way. */
const ANSWER_MS = 15_000;
const PAUSE_MS = 200;
/** Nothing that is disturbed stays away for as long. */
const LONGEST_MS = 180_000;

/** An answer that is no answer: the call may have been taken, or not. */
const NO_ANSWER: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Aborted,
  Code.ResourceExhausted,
]);

export class Callers {
  readonly #clients: readonly HydraClient[];
  readonly #chance: Chance;
  readonly #journal: SoakJournal;

  constructor(urls: readonly string[], chance: Chance, journal: SoakJournal) {
    this.#clients = urls.map((baseUrl) => createHydraClient({ baseUrl }));
    this.#chance = chance;
    this.#journal = journal;
  }

  /** Of a server that is drawn anew each time. */
  any(): HydraClient {
    return this.#chance.pick(this.#clients);
  }

  /** Repeats a call until it is answered or refused, with one key. Throws where that takes too long. */
  async insist<T>(
    call: (client: HydraClient, options: CallOptions) => Promise<T>,
    key: string = randomUUID(),
  ): Promise<T> {
    const deadline = performance.now() + LONGEST_MS;
    for (;;) {
      try {
        const headers = { "idempotency-key": key };
        return await call(this.any(), { headers, timeoutMs: ANSWER_MS });
      } catch (error) {
        if (!isNoAnswer(error) || performance.now() > deadline) throw error;
        this.#journal.count("call repeated");
        await delay(PAUSE_MS);
      }
    }
  }
}

export function isNoAnswer(error: unknown): boolean {
  return NO_ANSWER.has(ConnectError.from(error).code);
}

/** Each call goes to the server after the one that the call before went to: who tries again comes to another. */
export function rotatingTransport(urls: readonly string[], first: number): Transport {
  const transports = urls.map((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  let next = first;
  const take = () => transports[next++ % transports.length] as Transport;
  return {
    unary: (...call) => take().unary(...call),
    stream: (...call) => take().stream(...call),
  };
}
