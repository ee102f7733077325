import type pg from "pg";
import type { EngineLog } from "./api.ts";
import type { EngineLimits } from "./limits.ts";
import type { EngineObserver } from "./observer.ts";
import { Periodic } from "./periodic.ts";
import { beat, findDeadNodes, takeOver } from "./store/nodes.ts";
import { findDueWork } from "./store/reads.ts";
import { startTimer } from "./timer.ts";
import type { WriterWatch } from "./writer-watch.ts";

/** How long a node may be dead, or silent for the lease, before anybody looks. */
const BURIED_EVERY_MS = 200;

export interface UpkeepOptions {
  readonly nodeId: number;
  readonly limits: EngineLimits;
  readonly pool: pg.Pool;
  readonly log: EngineLog;
  readonly observer: EngineObserver;
  readonly watch: WriterWatch;
  /** A peer took this node for dead. */
  onFenced(): void;
  /** It could not show itself for the lease, for this reason, so that a peer may have. */
  onUnseen(error: unknown): void;
  /** There is work that nobody owns. */
  onReady(): void;
  /** The time of something scheduled has come. */
  onLate(): void;
  /** Looks at some of those that wait. */
  look(): Promise<void>;
}

/**
 * What a node does again and again: shows itself, takes over from the dead, and
 * looks for work that no hint told of (E5).
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #periodics: Periodic[] = [];
  /** What goes on as long as the node writes. */
  #vital: Periodic[] = [];
  #stopDueTimer: (() => void) | undefined;
  #clockOffsetMs = 0;
  #beatAt = performance.now();
  #running = false;
  #over = false;
  #hasPeers = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Other nodes are up, as of the last poll. */
  get hasPeers(): boolean {
    return this.#hasPeers;
  }

  /** The database's time in milliseconds since 1970, as of the last heartbeat and the monotonic clock since. */
  databaseNow(): number {
    return Math.floor(performance.now() + this.#clockOffsetMs);
  }

  /** Shows the node and takes over what the dead left before it returns. */
  async start(): Promise<void> {
    await this.#beat();
    await this.#bury();
    // The node was lost meanwhile: nothing would ever stop what begins here.
    if (this.#over) return;
    const { leaseMs, pollMs } = this.#options.limits;
    this.#running = true;
    this.#vital = [
      new Periodic(leaseMs / 4, () => this.#beat(), this.#onBeatError),
      new Periodic(leaseMs / 4, () => this.#options.watch.look(), this.#onError),
    ];
    this.#periodics = [
      new Periodic(Math.min(leaseMs / 4, BURIED_EVERY_MS), () => this.#bury(), this.#onError),
      new Periodic(pollMs, () => this.#poll(), this.#onError),
    ];
    this.lookForDueWork();
  }

  /** Looks for nothing more, but goes on to show the node, which still writes. */
  close(): void {
    this.#running = false;
    for (const periodic of this.#periodics) periodic.stop();
    this.#stopDueTimer?.();
  }

  stop(): void {
    this.close();
    this.#over = true;
    for (const periodic of this.#vital) periodic.stop();
  }

  /** Looks now instead of at the next poll. */
  lookForDueWork(): void {
    this.#findDueWork().catch(this.#onError);
  }

  readonly #onError = (error: unknown): void => {
    if (this.#running) this.#options.log.debug({ err: error }, "upkeep failed; it is repeated");
  };

  readonly #onBeatError = (error: unknown): void => {
    if (this.#over) return;
    this.#options.log.debug({ err: error }, "this node could not show itself; it tries again");
    if (performance.now() - this.#beatAt > this.#options.limits.leaseMs) this.#options.onUnseen(error);
  };

  async #beat(): Promise<void> {
    const { pool, nodeId, limits, onFenced } = this.#options;
    const now = await beat(pool, nodeId, limits.leaseMs);
    this.#beatAt = performance.now();
    if (now === undefined) onFenced();
    else this.#clockOffsetMs = now - this.#beatAt;
  }

  async #bury(): Promise<void> {
    const { pool, nodeId, limits, log, observer, onReady } = this.#options;
    for (const dead of await findDeadNodes(pool, nodeId, limits.leaseMs)) {
      const { released } = await takeOver(pool, dead);
      log.info({ node: nodeId, dead, released }, "took over from a dead node");
      observer.nodeTakenOver();
      onReady();
    }
  }

  async #poll(): Promise<void> {
    await this.#findDueWork();
    await this.#options.look();
  }

  async #findDueWork(): Promise<void> {
    if (!this.#running) return;
    const { pool, nodeId } = this.#options;
    const { ready, peers, nextStartMs } = await findDueWork(pool, nodeId);
    if (!this.#running) return;
    this.#hasPeers = peers;
    this.#stopDueTimer?.();
    if (nextStartMs !== undefined && nextStartMs <= 0) this.#options.onLate();
    else if (nextStartMs !== undefined) this.#stopDueTimer = startTimer(nextStartMs, () => this.lookForDueWork());
    if (ready) this.#options.onReady();
  }
}
