import { setTimeout as delay } from "node:timers/promises";
import type { Remains } from "./committer.ts";
import { crashPoint } from "./crash-points.ts";
import { EngineUnavailableError, messageOf, SilentDatabaseError, type TerminalError } from "./errors.ts";
import { Node } from "./node.ts";
import type { NodeShared } from "./node-surroundings.ts";
import { retryDelayMs } from "./retry.ts";
import { isDiskFull, isRefusal } from "./store/failure.ts";
import { takeOver } from "./store/nodes.ts";
import { readOutcomes } from "./store/reads.ts";
import type { Unit } from "./unit.ts";

// Keeps one node at work: where one is lost, another takes its place.
//
//   U1. The successor fences its predecessor off before it writes anything.
//   U2. Batches whose outcome was lost with the connection are found out, not
//       repeated: their numbers tell, once the predecessor is fenced, whether they
//       are in.
//   U3. What callers from outside wait for is written by the successor, unless
//       the outage lasts too long; then they are told to try again.
//   U4. Where the database's disk is full they are told so at once.

const LONGEST_OUTAGE_MS = 10_000;
const MOST_LOSSES = 5;
/** Between two attempts while the disk is full: a small write may fit where the work does not. */
const FULL_DISK_PAUSE_MS = 1_000;
const FULL_DISK_RETRY_AFTER_MS = 5_000;

export class Succession {
  readonly #shared: NodeShared;
  #node: Node | undefined;
  /** The present one, or the last that there was. */
  #latest: Node | undefined;
  #homeless: Unit[] = [];
  #outageSince: number | undefined;
  #diskIsFull = false;
  #draining = false;
  #refusal: string | undefined;
  /** How often a unit was in flight when the connection broke. */
  readonly #losses = new WeakMap<Unit, number>();
  readonly #stopping = new AbortController();
  #rejoining: Promise<void> | undefined;

  constructor(shared: Omit<NodeShared, "onLost">) {
    this.#shared = { ...shared, onLost: (node, remains) => this.#onLost(node, remains) };
  }

  /** Undefined while there is none. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** The database's time in milliseconds since 1970, also during an outage. Undefined before the first node. */
  databaseNow(): number | undefined {
    return this.#latest?.databaseNow();
  }

  get queued(): number {
    return this.#node?.committer.queued ?? this.#homeless.length;
  }

  async start(): Promise<void> {
    this.#latest = this.#node = await Node.join(this.#shared);
  }

  submit(unit: Unit): void {
    if (this.#stopping.signal.aborted)
      unit.failed(new EngineUnavailableError("this server is stopping", "unavailable"));
    else if (this.#node) this.#node.submit(unit);
    else if (this.#diskIsFull || this.#outageIsLong()) unit.failed(this.#unreachable());
    else this.#homeless.push(unit);
  }

  /** The server is about to stop: see `Node.drain`; holds for a node that takes this one's place as well. */
  drain(): void {
    this.#draining = true;
    this.#node?.drain();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    try {
      await this.#node?.leave();
    } finally {
      // Lost while it left, or before: nobody takes its place any more.
      await this.#rejoining;
      this.#node = undefined;
      this.#failHomeless(new EngineUnavailableError("this server is stopping", "unavailable"));
    }
  }

  #onLost(node: Node, remains: Remains): void {
    if (remains.error instanceof SilentDatabaseError) this.#shared.onSilent();
    if (node === this.#node) {
      this.#node = undefined;
      this.#outageSince = performance.now();
      if (!this.#noticeFullDisk(remains.error))
        this.#shared.log.error({ err: remains.error, node: node.id }, "lost the database; waiting for it");
      this.#rejoining = this.#rejoin(node, remains.uncertain);
    }
    for (const unit of remains.unwritten) this.#rehome(unit);
  }

  #rehome(unit: Unit): void {
    if (!unit.survives) unit.failed(this.#unreachable());
    else this.submit(unit);
  }

  async #rejoin(lost: Node, uncertain: Remains["uncertain"]): Promise<void> {
    const { signal } = this.#stopping;
    lost.discard();
    let toSettle = uncertain;
    for (let failures = 1; !signal.aborted; failures++) {
      if (this.#diskIsFull) await delay(FULL_DISK_PAUSE_MS, undefined, { signal }).catch(() => {});
      try {
        const { lastBatch } = await takeOver(this.#shared.upkeepPool, lost.id, lost.startedAt);
        crashPoint("rejoin:fenced");
        for (let [next, ...later] = toSettle; next; [next, ...later] = toSettle) {
          await this.#findOut(next.units, lastBatch >= next.number);
          toSettle = later;
        }
        crashPoint("rejoin:found-out");
        await this.#welcome(await Node.join(this.#shared));
        return;
      } catch (error) {
        this.#noteRefusal(error, failures);
        if (this.#noticeFullDisk(error) || this.#outageIsLong()) this.#failHomeless(this.#unreachable());
        if (this.#outageIsLong()) toSettle = failAll(toSettle);
        await delay(Math.min(retryDelayMs(failures), 1_000), undefined, { signal }).catch(() => {});
      }
    }
    failAll(toSettle);
  }

  async #welcome(node: Node): Promise<void> {
    if (this.#stopping.signal.aborted) return await node.leave();
    this.#latest = this.#node = node;
    if (this.#draining) node.drain();
    this.#shared.log.info({ node: node.id, outageMs: this.#outageMs() }, "the database is back");
    this.#shared.observer.databaseRegained();
    this.#outageSince = undefined;
    this.#refusal = undefined;
    this.#diskIsFull = false;
    for (const unit of this.#homeless.splice(0)) node.submit(unit);
  }

  /** Says once what the database itself says; that it does not answer has been said. */
  #noteRefusal(error: unknown, failures: number): void {
    const reason = isRefusal(error) ? messageOf(error) : this.#refusal;
    if (reason === this.#refusal) this.#shared.log.debug({ err: error, failures }, "the database does not answer yet");
    else this.#shared.log.warn({ reason }, "the database refuses this node; it tries again");
    this.#refusal = reason;
  }

  /** Whether the disk is full (U4); says so once an outage. */
  #noticeFullDisk(error: unknown): boolean {
    const isFull = isDiskFull(error);
    if (isFull && !this.#diskIsFull) this.#shared.log.error({ reason: messageOf(error) }, DISK_FULL);
    this.#diskIsFull = isFull;
    return isFull;
  }

  #unreachable(): EngineUnavailableError {
    if (this.#diskIsFull) {
      return new EngineUnavailableError(DISK_FULL, "exhausted", { retryAfterMs: FULL_DISK_RETRY_AFTER_MS });
    }
    return new EngineUnavailableError("the database cannot be reached; try again", "unavailable");
  }

  /** What became of the units of a batch of which only this is known: it is in, or it is not (U2). */
  async #findOut(units: readonly Unit[], committed: boolean): Promise<void> {
    const births = units.flatMap((unit) => unit.birth ?? []);
    const born = committed && births.length > 0 ? await readOutcomes(this.#shared.pool, births) : new Map();
    for (const unit of units) {
      if (!committed) this.#repeat(unit);
      else if (unit.birth !== undefined) {
        // Not born although the batch is in: refused, or a repeat; asking again finds out.
        if (born.has(unit.birth)) unit.committed([]);
        else this.#rehome(unit);
      } else if (unit.effects.length === 0) unit.committed([]);
      else unit.failed(answerLost());
    }
  }

  /** A unit that was in flight whenever the connection broke may be what breaks it. */
  #repeat(unit: Unit): void {
    const losses = (this.#losses.get(unit) ?? 0) + 1;
    this.#losses.set(unit, losses);
    if (losses < MOST_LOSSES) this.#rehome(unit);
    else unit.failed(new EngineUnavailableError("the database broke off each time this was written", "unavailable"));
  }

  #failHomeless(error: TerminalError): void {
    for (const unit of this.#homeless.splice(0)) unit.failed(error);
  }

  #outageMs(): number {
    return this.#outageSince === undefined ? 0 : Math.round(performance.now() - this.#outageSince);
  }

  #outageIsLong(): boolean {
    return this.#outageMs() > LONGEST_OUTAGE_MS;
  }
}

/** Tells those who wait for a batch that nobody knows what became of it. */
function failAll(uncertain: Remains["uncertain"]): [] {
  for (const unit of uncertain.flatMap(({ units }) => units)) unit.failed(outcomeUnknown());
  return [];
}

const DISK_FULL =
  "the database's disk is full: nothing new is taken until there is room; what was acknowledged is kept and goes on then";

function answerLost(): EngineUnavailableError {
  return new EngineUnavailableError(
    "the change was saved, but the answer was lost with the database connection; look before you repeat it",
    "unavailable",
  );
}

function outcomeUnknown(): EngineUnavailableError {
  return new EngineUnavailableError(
    "the database connection was lost before it said whether the change was saved; look before you repeat it",
    "unavailable",
  );
}
