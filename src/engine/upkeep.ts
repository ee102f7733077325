import type pg from "pg";
import type { EngineLog } from "./api.ts";
import type { EngineLimits } from "./limits.ts";
import type { EngineObserver } from "./observer.ts";
import { Periodic } from "./periodic.ts";
import { beat, findDeadNodes, takeOver } from "./store/nodes.ts";
import { findDueWork } from "./store/reads.ts";
import { startTimer } from "./timer.ts";

/** How long a node may be dead, or silent for the lease, before anybody looks. */
const BURIED_EVERY_MS = 200;

export interface UpkeepOptions {
  readonly nodeId: number;
  readonly limits: EngineLimits;
  readonly pool: pg.Pool;
  readonly log: EngineLog;
  readonly observer: EngineObserver;
  /** A peer took this node for dead, or may have: it could not show itself for the lease. */
  onFenced(): void;
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
  #heartbeat: Periodic | undefined;
  #stopDueTimer: (() => void) | undefined;
  #clockOffsetMs = 0;
  #beatAt = performance.now();
  #running = false;
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
    const { leaseMs, pollMs } = this.#options.limits;
    this.#running = true;
    this.#heartbeat = new Periodic(leaseMs / 4, () => this.#beat(), this.#onError);
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
    this.#heartbeat?.stop();
  }

  /** Looks now instead of at the next poll. */
  lookForDueWork(): void {
    this.#findDueWork().catch(this.#onError);
  }

  readonly #onError = (error: unknown): void => {
    if (!this.#running) return;
    const { log, limits, onFenced } = this.#options;
    log.debug({ err: error }, "upkeep failed; it is repeated");
    if (performance.now() - this.#beatAt > limits.leaseMs) onFenced();
  };

  async #beat(): Promise<void> {
    const { pool, nodeId, onFenced } = this.#options;
    const now = await beat(pool, nodeId);
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
