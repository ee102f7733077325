import { setImmediate as nextTurn } from "node:timers/promises";
import { crashPoint } from "./crash-points.ts";
import { TerminalError } from "./errors.ts";
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
//   C1. One batch at a time; while it is in flight the next one gathers. A
//       batch never waits to grow.
//   C2. Whoever waits for a unit learns of it after its commit, never before.
//   C3. A unit that makes the batch fail fails alone: the batch is split until
//       it is found. Conflicts between nodes repeat the batch.
//   C4. A node that cannot write is lost as a whole; what survives it is handed
//       back, with the outcome of the last batch left to find out.

/** What is left when a node is lost. */
export interface Remains {
  readonly error: unknown;
  /** The batch that was in flight, if its outcome is not known. */
  readonly uncertain?: { readonly number: number; readonly units: readonly Unit[] };
  /** Units that were not written. */
  readonly unwritten: readonly Unit[];
}

export interface CommitterOptions {
  readonly nodeId: number;
  readonly secret: Buffer;
  readonly maxBatchOperations: number;
  readonly observer: EngineObserver;
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
  /** Taken from the queue, and not told yet what became of them. */
  readonly #taken = new Set<Unit>();
  /** Sent, and not known yet to be in or out. */
  #inFlight: { readonly number: number; readonly units: readonly Unit[] } | undefined;
  #number = 0;
  #running = false;
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

  add(unit: Unit): void {
    if (this.#lost) {
      if (!unit.survives) unit.failed(new TerminalError("this node lost its database connection", "unavailable"));
      else this.#options.onLost({ error: undefined, unwritten: [unit] });
      return;
    }
    this.#queue.add(unit);
    if (!this.#running) {
      this.#running = true;
      void this.#run();
    }
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
    while (!this.#lost && this.#queue.weight > 0) {
      const units = this.#queue.take(this.#options.maxBatchOperations);
      for (const unit of units) this.#taken.add(unit);
      await this.#commit(units, 0);
      // Those who were told get their turn to add to the next batch.
      if (!this.#lost) await nextTurn();
    }
    this.#running = false;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  async #commit(candidates: readonly Unit[], repeats: number): Promise<void> {
    if (this.#lost) return;
    const units = candidates.filter((unit) => this.#wants(unit));
    if (units.length === 0) return;
    const number = this.#number + 1;
    const startedAt = performance.now();
    this.#inFlight = { number, units };
    let result: BatchResult;
    crashPoint("batch:taken");
    try {
      result = await this.#connection.transact(batchProgram(this.#input(number, units)));
    } catch (error) {
      if (!this.#lost) await this.#recover(error, units, repeats);
      return;
    }
    // Lost meanwhile: its outcome was handed over as open (C4).
    if (this.#lost) return;
    this.#inFlight = undefined;
    crashPoint("batch:committed");
    this.#number = number;
    this.#note(units, startedAt);
    this.#settle(units, result);
    crashPoint("batch:told");
    this.#options.onOutcome(result.outcome);
    crashPoint("batch:followed");
  }

  async #recover(error: unknown, units: readonly Unit[], repeats: number): Promise<void> {
    const verdict = judgeFailure(error);
    // Rolled back for certain: nothing to find out.
    if (isDiskFull(error)) this.#inFlight = undefined;
    if (verdict === "lost") return this.#lose(error);
    try {
      await this.#connection.reset();
    } catch (resetError) {
      return this.#lose(resetError);
    }
    // The server has answered: it is rolled back.
    this.#inFlight = undefined;
    crashPoint("batch:rolled-back");
    if (verdict === "repeat" && repeats < MOST_REPEATS) return await this.#commit(units, repeats + 1);
    const [first] = units;
    if (units.length === 1 && first) return this.#fail(first, error);
    const middle = units.length >> 1;
    await this.#commit(units.slice(0, middle), 0);
    await this.#commit(units.slice(middle), 0);
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

  #input(number: number, units: readonly Unit[]): BatchInput {
    const { nodeId, secret, isLocal, isAwaited, room } = this.#options;
    return { nodeId, secret, number, units, isLocal, isAwaited, room };
  }

  #note(units: readonly Unit[], startedAt: number): void {
    const operations = units.reduce((sum, unit) => sum + unit.weight, 0);
    this.stats.batches++;
    this.stats.operations += operations;
    this.#options.observer.batchCommitted(operations, performance.now() - startedAt);
  }

  #lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    const uncertain = this.#inFlight;
    for (const unit of uncertain?.units ?? []) this.#taken.delete(unit);
    const unwritten = [...this.#taken, ...this.#queue.takeAll()];
    this.#taken.clear();
    this.#options.onLost({ error, ...(uncertain ? { uncertain } : {}), unwritten });
  }
}
