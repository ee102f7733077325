import { setImmediate as nextTurn } from "node:timers/promises";
import { crashPoint } from "./crash-points.ts";
import { TerminalError } from "./errors.ts";
import type { Flight, InFlight } from "./flight.ts";
import type { KeyLines } from "./key-lines.ts";
import type { EngineObserver } from "./observer.ts";
import type { BatchOutcome } from "./operations.ts";
import { type BatchInput, batchProgram, type BatchResult } from "./store/batch.ts";
import type { WriterConnection } from "./store/connection.ts";
import { isDiskFull, judgeFailure } from "./store/failure.ts";
import type { Unit } from "./unit.ts";
import { UnitQueue } from "./unit-queue.ts";

// Group commit: everything the attempts of one node want written goes through
// here, and all that waits is written in one transaction.
//
//   C1. While a batch is in flight the next one gathers. A batch never waits to
//       grow. Where many operations wait, the next one is sent ahead while the
//       server still works on the last stage of the first: neither side idles.
//   C2. Whoever waits for a unit learns of it after its commit, never before.
//   C3. A unit that makes the batch fail fails alone: the batch is split until
//       it is found. Conflicts between nodes repeat the batch.
//   C4. A node that cannot write is lost as a whole; what survives it is handed
//       back, with the outcome of the batches in flight left to find out.
//   C5. Batches commit in the order of their numbers, and one sent ahead only if
//       the one before it has (B1). No lane has units in two that are in flight,
//       so that what becomes of the first is known before the next is judged.

/** What is left when a node is lost. */
export interface Remains {
  readonly error: unknown;
  /** The batches that were in flight and whose outcome is not known, in the order of their numbers. */
  readonly uncertain: readonly { readonly number: number; readonly units: readonly Unit[] }[];
  /** Units that were not written. */
  readonly unwritten: readonly Unit[];
}

export interface CommitterOptions {
  readonly nodeId: number;
  readonly secret: Buffer;
  readonly maxBatchOperations: number;
  /** Operations that must wait for a batch to be sent ahead: a small one costs more than it gains. */
  readonly sendAheadFrom: number;
  readonly observer: EngineObserver;
  readonly lines: KeyLines;
  isLocal(invocationId: number): boolean;
  isAwaited(invocationId: number): boolean;
  room(): number;
  onOutcome(outcome: BatchOutcome): void;
  onLost(remains: Remains): void;
}

export interface CommitterStats {
  batches: number;
  operations: number;
}

const MOST_REPEATS = 20;

export class Committer {
  readonly stats: CommitterStats = { batches: 0, operations: 0 };
  readonly #connection: WriterConnection;
  readonly #options: CommitterOptions;
  readonly #queue = new UnitQueue();
  /** Taken from the queue, in flight or not, and not told yet what became of them. */
  readonly #taken = new Set<Unit>();
  /** Two at most, in the order of their numbers. */
  #flights: Flight[] = [];
  /** Of the last batch that is in. */
  #number = 0;
  #landedAt = 0;
  #running = false;
  /** After a failure batches go one by one until all that it touched is settled. */
  #recovering = false;
  #looksAhead = false;
  #lost = false;
  #idle = Promise.withResolvers<void>();

  constructor(connection: WriterConnection, options: CommitterOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Operations that wait. */
  get queued(): number {
    return this.#queue.weight;
  }

  /** The batch that waits for its answer, and how much had to be sent for it, one sent ahead included. */
  get inFlight(): InFlight | undefined {
    const [first] = this.#flights;
    if (!first) return undefined;
    const { bytesGiven, bytesReceived: received } = this.#connection;
    return { number: first.number, sentAt: first.sentAt, bytes: bytesGiven - first.givenBefore, received };
  }

  add(unit: Unit): void {
    if (this.#lost) {
      if (!unit.survives) unit.failed(new TerminalError("this node lost its database connection", "unavailable"));
      else this.#options.onLost({ error: undefined, uncertain: [], unwritten: [unit] });
      return;
    }
    this.#queue.add(unit);
    if (this.#running) return this.#lookAhead();
    this.#running = true;
    void this.#run();
  }

  /** Resolves once nothing waits and nothing is in flight. */
  async drained(): Promise<void> {
    while (this.#running) await this.#idle.promise;
  }

  /** Ends this committer from outside: nothing is written from now on. */
  abandon(error: unknown): void {
    this.#lose(error);
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (!this.#lost && (this.#flights.length > 0 || this.#queue.weight > 0)) {
      const flight = this.#flights[0] ?? this.#send(this.#queue.take(this.#options.maxBatchOperations));
      if (flight) await this.#land(flight, 0);
      this.#recovering = false;
      // Those who were told get their turn to add to the next batch.
      if (!this.#lost) await nextTurn();
    }
    this.#running = false;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  /** Undefined: none of them is wanted any more. */
  #send(candidates: readonly Unit[]): Flight | undefined {
    for (const unit of candidates) this.#taken.add(unit);
    const units = candidates.filter((unit) => this.#wants(unit));
    if (units.length === 0) return undefined;
    const number = (this.#flights.at(-1)?.number ?? this.#number) + 1;
    const { promise: answer, resolve } = Promise.withResolvers<Awaited<Flight["answer"]>>();
    const givenBefore = this.#connection.bytesGiven;
    const flight: Flight = {
      number,
      units,
      sentAt: performance.now(),
      givenBefore,
      answer,
      isSent: false,
      roomTaken: 0,
    };
    this.#flights.push(flight);
    const onLastStage = () => {
      flight.isSent = true;
      this.#lookAhead();
    };
    crashPoint("batch:taken");
    this.#connection.transact(batchProgram(this.#input(flight)), onLastStage).then(
      (result) => resolve({ result }),
      (error: unknown) => resolve({ error }),
    );
    return flight;
  }

  /** Sends the next batch ahead, after a turn in which it may grow, where it is worth it (C1). */
  #lookAhead(): void {
    if (this.#looksAhead || !this.#maySendAhead()) return;
    this.#looksAhead = true;
    setImmediate(() => {
      this.#looksAhead = false;
      const [first] = this.#flights;
      if (!first || !this.#maySendAhead()) return;
      const lanes = first.units.flatMap(({ lane }) => lane ?? []);
      this.#send(this.#queue.take(this.#options.maxBatchOperations, lanes));
    });
  }

  #maySendAhead(): boolean {
    if (this.#lost || this.#recovering || this.#flights.length !== 1) return false;
    return this.#flights[0]?.isSent === true && this.#queue.weight >= this.#options.sendAheadFrom;
  }

  /** Waits for what becomes of the first batch in flight, and tells its units. */
  async #land(flight: Flight, repeats: number): Promise<void> {
    const answer = await flight.answer;
    // Lost meanwhile: its outcome was handed over as open (C4).
    if (this.#lost) return;
    if ("error" in answer) return await this.#recover(answer.error, flight.units, repeats);
    this.#flights.shift();
    crashPoint("batch:committed");
    this.#number = flight.number;
    this.#note(flight);
    this.#settle(flight.units, answer.result);
    crashPoint("batch:told");
    this.#options.onOutcome(answer.result.outcome);
    crashPoint("batch:followed");
  }

  async #recover(error: unknown, units: readonly Unit[], repeats: number): Promise<void> {
    this.#recovering = true;
    const [, ahead] = this.#flights;
    const verdict = judgeFailure(error);
    // Rolled back for certain, and with it what was sent ahead (C5): nothing to find out.
    if (isDiskFull(error)) this.#flights = [];
    if (verdict === "lost") return this.#lose(error);
    await ahead?.answer;
    if (this.#lost) return;
    try {
      await this.#connection.reset();
    } catch (resetError) {
      return this.#lose(resetError);
    }
    // The server has answered: both are rolled back.
    this.#flights = [];
    crashPoint("batch:rolled-back");
    await this.#commitAgain(units, error, verdict === "repeat" ? repeats + 1 : undefined);
    if (ahead) await this.#commit(ahead.units, 0);
  }

  /** `repeats` undefined: one of them is to blame. */
  async #commitAgain(units: readonly Unit[], error: unknown, repeats: number | undefined): Promise<void> {
    if (repeats !== undefined && repeats <= MOST_REPEATS) return await this.#commit(units, repeats);
    const [first] = units;
    if (units.length === 1 && first) return this.#fail(first, error);
    const middle = units.length >> 1;
    await this.#commit(units.slice(0, middle), 0);
    await this.#commit(units.slice(middle), 0);
  }

  async #commit(units: readonly Unit[], repeats: number): Promise<void> {
    if (this.#lost) return;
    const flight = this.#send(units);
    if (flight) await this.#land(flight, repeats);
  }

  #wants(unit: Unit): boolean {
    const wanted = unit.isWanted?.() ?? true;
    if (!wanted) this.#taken.delete(unit);
    return wanted;
  }

  #settle(units: readonly Unit[], { results, existing, refused }: BatchResult): void {
    for (const unit of units) {
      if (refused.has(unit)) this.#fail(unit, refused.get(unit));
      else {
        this.#taken.delete(unit);
        const ofUnit = results.get(unit);
        unit.committed(ofUnit ?? [], existing.get(unit));
        ofUnit?.forEach((result, i) => unit.effects[i]?.committed?.(result));
      }
    }
  }

  #fail(unit: Unit, error: unknown): void {
    // Lost while the batch was being split: it was handed over, and is to be written by the successor.
    if (this.#taken.delete(unit)) unit.failed(error);
  }

  #input(flight: Flight): BatchInput {
    const { nodeId, secret, lines, isLocal, isAwaited, room } = this.#options;
    const { number, units } = flight;
    return {
      nodeId,
      secret,
      number,
      units,
      lines,
      isLocal,
      isAwaited,
      // What the one before it takes is not in memory yet.
      room: () => this.#flights.reduce((left, each) => (each === flight ? left : left - each.roomTaken), room()),
      onRoomTaken: (count) => (flight.roomTaken = count),
    };
  }

  #note({ units, sentAt }: Flight): void {
    const operations = units.reduce((sum, unit) => sum + unit.weight, 0);
    const now = performance.now();
    // One sent ahead begins when the one before it has ended.
    const durationMs = now - Math.max(sentAt, this.#landedAt);
    this.#landedAt = now;
    this.stats.batches++;
    this.stats.operations += operations;
    this.#options.observer.batchCommitted(operations, durationMs);
  }

  #lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    const uncertain = this.#flights;
    for (const unit of uncertain.flatMap(({ units }) => units)) this.#taken.delete(unit);
    const unwritten = [...this.#taken, ...this.#queue.takeAll()];
    this.#taken.clear();
    this.#options.onLost({ error, uncertain, unwritten });
  }
}
