import { setTimeout as delay } from "node:timers/promises";
import type { Attempt } from "./attempt.ts";
import type { AttemptHost } from "./attempt-host.ts";
import { reportFailure, reportParking, reportPause } from "./attempt-reports.ts";
import { Claimer } from "./claimer.ts";
import { Committer, type Remains } from "./committer.ts";
import { crashPoint } from "./crash-points.ts";
import { messageOf, NodeLostError, SilentDatabaseError } from "./errors.ts";
import { HandOver } from "./hand-over.ts";
import { fanOutValue, type Completion } from "./journal.ts";
import { KeyLines } from "./key-lines.ts";
import { OUTSIDE_RESERVE } from "./limits.ts";
import { look, lookAtAll, lookAtOldest } from "./look.ts";
import type { BatchOutcome, Operation } from "./operations.ts";
import type { NodeShared } from "./node-surroundings.ts";
import { Residents } from "./residents.ts";
import { givesUp, retryDelayMs } from "./retry.ts";
import { WriterConnection } from "./store/connection.ts";
import { isFromServer } from "./store/failure.ts";
import { loadAsked, loadCompletions, loadJournals } from "./store/journal.ts";
import { type Registered, registerNode, takeOver } from "./store/nodes.ts";
import { readState } from "./store/reads.ts";
import { startTimer } from "./timer.ts";
import { nodeUnit, type Unit } from "./unit.ts";
import { Upkeep } from "./upkeep.ts";
import { WriterWatch } from "./writer-watch.ts";

// One node: one run of the engine on one writer connection. It owns
// invocations, runs their attempts, and writes through one committer.
//
//   D1. A node that lost its connection or was fenced off is over as a whole:
//       its attempts are dropped, and a new node takes its place (engine.ts).

const ACTIVATED_AT_ONCE = 1_000;

export class Node implements AttemptHost {
  readonly id: number;
  readonly startedAt: string;
  readonly secret: Buffer;
  readonly committer: Committer;
  readonly residents: Residents;
  readonly #shared: NodeShared;
  readonly #connection: WriterConnection;
  readonly #upkeep: Upkeep;
  readonly #claimer: Claimer;
  readonly #handOver: HandOver;
  #over = false;
  #draining = false;

  private constructor({ id, startedAt, backendPid }: Registered, shared: NodeShared, connection: WriterConnection) {
    this.id = id;
    this.startedAt = startedAt;
    this.secret = shared.secret;
    this.#shared = shared;
    this.#connection = connection;
    const { limits, pool } = shared;
    this.committer = new Committer(connection, {
      nodeId: id,
      secret: shared.secret,
      maxBatchOperations: limits.maxBatchOperations,
      sendAheadFrom: limits.sendAheadFrom,
      observer: shared.observer,
      lines: new KeyLines(limits.maxQueuedPerKey),
      isLocal: (invocationId) => this.residents.has(invocationId),
      isAwaited: (invocationId) => shared.isAwaited(invocationId),
      room: () => this.#roomLeft(),
      onOutcome: (outcome) => this.#onOutcome(outcome),
      onLost: (remains) => this.#onLost(remains),
    });
    this.residents = new Residents({
      maxActive: limits.maxActive,
      host: this,
      handlerOf: shared.handlerOf,
      loadJournals: (ids) => loadJournals(pool, ids),
      look: (ids) => void this.look(ids),
      onBroken: (error) => this.committer.abandon(error),
    });
    this.#claimer = new Claimer({
      maxActive: limits.maxActive,
      pollMs: limits.pollMs,
      residents: this.residents,
      room: () => this.room(),
      hasPeers: () => this.#upkeep.hasPeers,
      isClosing: () => this.#closing(),
      write: (operation, done) => this.#write(undefined, operation, done),
      loadCompletions: (ids) => loadCompletions(pool, ids),
      loadAsked: (ids) => loadAsked(pool, ids),
    });
    this.#handOver = new HandOver({
      maxActive: limits.maxActive,
      residents: this.residents,
      hasPeers: () => this.#upkeep.hasPeers,
      write: (operation) => this.#write(undefined, operation),
    });
    this.#upkeep = new Upkeep({
      nodeId: id,
      limits,
      pool: shared.upkeepPool,
      log: shared.log,
      observer: shared.observer,
      watch: new WriterWatch({
        pool: shared.upkeepPool,
        backendPid,
        patienceMs: limits.leaseMs,
        inFlight: () => this.committer.inFlight,
        onSilent: this.#onSilent,
      }),
      onFenced: () => this.committer.abandon(new NodeLostError("a peer took this node for dead")),
      onUnseen: (error) => (isFromServer(error) ? this.committer.abandon(error) : this.#onSilent()),
      onReady: () => this.hintReady(),
      onLate: () => this.#write(undefined, { kind: "activate_due", limit: ACTIVATED_AT_ONCE }, () => this.hintReady()),
      look: () => {
        if (this.#draining) this.drain();
        this.#handOver.share();
        return lookAtOldest(shared, this.residents);
      },
    });
  }

  /** Opens the connection, registers, takes over what the dead left, and starts to work. */
  static async join(shared: NodeShared): Promise<Node> {
    let onConnectionLost: (error: Error) => void = () => {};
    const connection = await WriterConnection.open(shared.databaseUrl, (error) => onConnectionLost(error));
    try {
      const node = new Node(await registerNode(connection, shared.handlerNames), shared, connection);
      onConnectionLost = (error) => node.committer.abandon(error);
      await node.#upkeep.start();
      if (node.#over) throw new NodeLostError("the connection broke while the node joined");
      return node;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  submit(unit: Unit): void {
    this.committer.add(unit);
  }

  allocateIds(count: number): number {
    return this.#shared.ids.take(count);
  }

  room(): number {
    return Math.max(0, this.#roomLeft());
  }

  /** Whether a call from outside that is born now may be run here. */
  hasRoomForCall(): boolean {
    return this.#roomLeft() > -OUTSIDE_RESERVE;
  }

  isExclusive(service: string, handler: string): boolean {
    const definition = this.#shared.handlerOf(service, handler);
    if (!definition) throw new Error(`no handler ${service}/${handler} is registered`);
    return definition.kind === "exclusive";
  }

  async readState(service: string, key: string, name: string): Promise<string | undefined> {
    return readState(this.#shared.pool, service, key, name);
  }

  databaseNow(): number {
    return this.#upkeep.databaseNow();
  }

  onBusy(attempt: Attempt): void {
    this.residents.onBusy(attempt);
  }

  onIdle(attempt: Attempt): void {
    this.residents.onIdle(attempt);
    this.#claimer.claimIfHinted();
  }

  onEnded(attempt: Attempt, completion: Completion): void {
    const { id, parentId, parentEntry, priority } = attempt.invocation;
    this.residents.remove(attempt);
    this.#shared.onEnded(id, completion);
    if (parentId !== undefined && parentEntry !== undefined && priority === 0) {
      this.residents.deliver(parentId, parentEntry, completion);
    }
    this.#claimer.claimIfHinted();
  }

  onParked(attempt: Attempt, error?: unknown): void {
    this.residents.remove(attempt);
    if (error === undefined) reportPause(this.#shared, attempt);
    else reportParking(this.#shared, attempt, error);
    // Ready instead, where something else was asked of it meanwhile.
    this.hintReady();
  }

  onFailed(attempt: Attempt, error: unknown): void {
    if (this.#over) return;
    const { id, failures: before } = attempt.invocation;
    const failures = attempt.progressed ? 1 : before + 1;
    const now = this.databaseNow();
    const failingSince = (attempt.progressed ? undefined : attempt.invocation.failingSince) ?? now;
    const { retry } = attempt.handler;
    if (givesUp({ failures, failingMs: now - failingSince }, retry)) return attempt.park(error);
    const delayMs = retryDelayMs(failures, retry);
    reportFailure(this.#shared, attempt, error, { failures, delayMs });
    this.#write(id, { kind: "attempt_failure", id, failure: messageOf(error), failures, attempts: 1 });
    this.residents.rest(attempt, { failures, failingSince }, (wake) => startTimer(delayMs, wake));
  }

  /** Looks at those of these that are here. */
  look(ids: readonly number[]): Promise<void> {
    return look(this.#shared, this.residents, ids);
  }

  /** There may be work that nobody owns. */
  hintReady(): void {
    this.#claimer.hint();
  }

  /** Hints may have been missed. */
  async rescan(): Promise<void> {
    this.hintReady();
    await lookAtAll(this.#shared, this.residents, () => this.#over);
  }

  /** Takes no new work and hands over what it does not run, as soon as there are peers that can go on with it. */
  drain(): void {
    this.#draining = true;
    if (this.#closing() || !this.#upkeep.hasPeers) return;
    this.#upkeep.close();
    this.#handOver.begin();
  }

  /** Takes no new work, waits for attempts to reach their next wait, then hands over what is left. */
  async leave(): Promise<void> {
    this.#upkeep.close();
    this.#handOver.begin();
    const done = new AbortController();
    const grace = delay(this.#shared.limits.drainMs, undefined, { signal: done.signal }).catch(() => {});
    await Promise.race([this.residents.close().then(() => this.committer.drained()), grace]);
    done.abort();
    this.#handOver.end();
    this.#over = true;
    this.residents.dropAll();
    await this.committer.drained();
    crashPoint("leave:drained");
    this.#upkeep.stop();
    await this.#connection.close();
    await takeOver(this.#shared.upkeepPool, this.id, this.startedAt);
  }

  /** Ends everything of this node in this process, without a word to the database. */
  discard(): void {
    this.#over = true;
    this.#upkeep.stop();
    this.residents.dropAll();
    this.#connection.destroy();
  }

  readonly #onSilent = (): void =>
    this.committer.abandon(new SilentDatabaseError("the database, or the way to it, has fallen silent"));

  #roomLeft(): number {
    return this.#closing() ? Number.NEGATIVE_INFINITY : this.#shared.limits.maxResident - this.residents.size;
  }

  #closing(): boolean {
    return this.#over || !this.#upkeep.running;
  }

  #onOutcome(outcome: BatchOutcome): void {
    if (this.#over) return;
    for (const { invocationId, entry, completion } of outcome.resolved) {
      this.residents.deliver(invocationId, entry, completion);
    }
    for (const { invocationId, entry, children, failed } of outcome.fannedIn) {
      this.residents.deliver(invocationId, entry, { ok: true, value: fanOutValue(children, failed) });
    }
    this.residents.adopt(outcome.owned);
    if (outcome.ready || outcome.moreReady) this.#claimer.hint();
    if (outcome.stopped.size > 0) void this.look([...outcome.stopped]);
    if (outcome.scheduled || outcome.stopped.size > 0) this.#upkeep.lookForDueWork();
    this.#claimer.claimIfHinted();
  }

  #onLost(remains: Remains): void {
    this.#over = true;
    this.#upkeep.stop();
    this.#handOver.end();
    this.residents.dropAll();
    this.#shared.onLost(this, remains);
  }

  /** Writes an operation of the node itself. */
  #write(lane: number | undefined, operation: Operation, done: () => void = () => {}): void {
    const failed = (error: unknown) => {
      done();
      if (!this.#over) this.#shared.log.error({ err: error, operation: operation.kind }, "the node could not write");
    };
    this.committer.add(nodeUnit(operation, lane, { committed: done, failed }));
  }
}
