import type pg from "pg";
import type { EngineLog } from "../../engine/index.ts";
import { type LogPositions, type LogStanding, readEpoch, readEvents, readLogStanding } from "../../rollout/index.ts";
import { type EventPage, EventRing } from "./event-ring.ts";
import { LogListener } from "./log-listener.ts";
import { WakeList } from "./wake-list.ts";

// The one reader of the domain's log in this server. Every Watch and every
// agent's stream is fed from it; none of them polls or listens by itself.
//
//   W1. The table is the truth. It is read once per `pollMs`, and sooner where a
//       notification hints at news; a lost notification costs time, no event.
//   W2. One reading at a time, always from the end of the ring: events enter it
//       in order, each once.
//   W3. The memory used does not depend on how many watch or how slowly they
//       read: the ring holds at most `ringCapacity` events, and who is behind
//       it reads the table in pages.
//   W4. While nobody watches, no event is read, only the log's positions.
//   W5. It works the same on every server of one database: numbers are in
//       commit order, so what is read up to a number is complete up to it.
//   W10. Where the database was put back (R12), what is held of the history that
//       is no more is dropped. Then, and with every other epoch, all who are fed
//       from here are woken, to judge for themselves: `turns` tells them of it.

const PAGE = 1_000;

export interface EventTailOptions {
  pool: pg.Pool;
  databaseUrl: string;
  log: EngineLog;
  /** Events held in memory. Default 10,000. */
  ringCapacity?: number;
  /** How often the log is looked at without a hint. Default 1,000. */
  pollMs?: number;
}

/** What somebody has been told of: there is news once the tail is beyond it. */
export interface Told {
  readonly upTo: bigint;
  /** As the tail's `turns` were when that was found to be of the database's history. */
  readonly turns: number;
}

export class EventTail {
  readonly #options: Required<EventTailOptions>;
  readonly #ring: EventRing;
  readonly #listener: LogListener;
  readonly #stopped = new AbortController();
  readonly #readers = new WakeList();
  readonly #self = new WakeList();
  /** Those who wait for the next reading. */
  #lookers: PromiseWithResolvers<void>[] = [];
  /** As the latest reading found it. */
  #standing: LogStanding | undefined;
  #turns = 0;
  #changeVersion = 0n;
  #watchers = 0;
  #hinted = true;
  #failing = false;
  #running: Promise<void> | undefined;

  constructor(options: EventTailOptions) {
    this.#options = { ringCapacity: 10_000, pollMs: 1_000, ...options };
    this.#ring = new EventRing(this.#options.ringCapacity);
    this.#listener = new LogListener({ ...options, onHint: (positions) => this.#onHint(positions) });
  }

  /** Starts to follow the log. Never fails: a database that is not there is tried again. */
  start(): void {
    this.#listener.start();
    this.#running ??= this.#run();
  }

  /** Ends every stream that is fed from here, with `unavailable`. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#listener.stop(), this.#running]);
    for (const { resolve } of this.#lookers.splice(0)) resolve();
  }

  /** Aborted once this is stopped. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** The events after a position, as far as they are known here. Undefined: the position is behind the ring. */
  after(position: bigint, limit: number): EventPage | undefined {
    return this.#ring.after(position, limit);
  }

  /** Sequence of the latest event that is known here. */
  get end(): bigint {
    return this.#ring.end;
  }

  /** Of what is known here; undefined before the first reading. */
  get epoch(): string | undefined {
    return this.#standing?.epoch;
  }

  /** How often the log has been found with another epoch, or to have gone back, since the start. */
  get turns(): number {
    return this.#turns;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers;
  }

  /** Version of the latest change of desired state that is known here. */
  get changeVersion(): bigint {
    return this.#changeVersion;
  }

  /** Has events read from now on, until the function returned is called. */
  watch(): () => void {
    this.#watchers += 1;
    this.#hint();
    let left = false;
    return () => {
      if (!left) this.#watchers -= 1;
      left = true;
    };
  }

  /** Resolves when there are events after those told, or a turn, when the time is up or when the signal is aborted. */
  async waitForEvents({ upTo, turns }: Told, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#readers.waitUntil(() => this.#ring.end > upTo || this.#turns !== turns, timeoutMs, signal);
  }

  /** The same for changes of desired state after a version, of any region. */
  async waitForChanges({ upTo, turns }: Told, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#readers.waitUntil(() => this.#changeVersion > upTo || this.#turns !== turns, timeoutMs, signal);
  }

  /** Reads once more, so that nothing is known here that is not so at the time of the call. Rejects where that fails. */
  async lookAgain(): Promise<void> {
    if (this.stopped.aborted) return;
    const looker = Promise.withResolvers<void>();
    this.#lookers.push(looker);
    this.#hint();
    await looker.promise;
  }

  #onHint(positions: LogPositions | undefined): void {
    if (positions) this.#noteChanges(positions.changeVersion);
    if (!positions || positions.eventSequence > this.#ring.end) this.#hint();
  }

  #hint(): void {
    this.#hinted = true;
    this.#self.wakeAll();
  }

  #noteChanges(version: bigint): void {
    if (version <= this.#changeVersion) return;
    this.#changeVersion = version;
    this.#readers.wakeAll();
  }

  async #run(): Promise<void> {
    while (!this.stopped.aborted) {
      this.#hinted = false;
      const lookers = this.#lookers.splice(0);
      try {
        await this.#read();
        this.#failing = false;
        for (const { resolve } of lookers) resolve();
      } catch (error) {
        for (const { reject } of lookers) reject(error);
        if (!this.#failing) this.#options.log.warn({ err: error }, "reading events failed, trying again");
        this.#failing = true;
      }
      // After a failure hints have to wait: they would make a tight loop of it.
      const isDue = () => this.#hinted && !this.#failing;
      await this.#self.waitUntil(isDue, this.#options.pollMs, this.stopped);
    }
  }

  async #read(): Promise<void> {
    if (this.#watchers > 0) {
      while (!this.stopped.aborted && (await this.#readPage()) === "more");
    } else {
      const heardOf = this.#changeVersion;
      const standing = await readLogStanding(this.#options.pool);
      await this.#note(standing, heardOf);
      this.#move((ring) => ring.reset(standing.eventSequence));
    }
  }

  async #readPage(): Promise<"more" | "complete"> {
    const { pool, ringCapacity } = this.#options;
    const heardOf = this.#changeVersion;
    const { events, standing } = await readEvents(pool, { after: this.#ring.end, limit: PAGE });
    if ((await this.#note(standing, heardOf)) === "put back") return "complete";
    const latest = standing.eventSequence;
    const oldestHeld = latest - BigInt(ringCapacity);
    if (oldestHeld > this.#ring.end) {
      // More than fits: those who need the older ones read them from the table.
      this.#move((ring) => ring.reset(oldestHeld));
      return "more";
    }
    this.#move((ring) => {
      for (const event of events) ring.append(event);
      if (events.length < PAGE && ring.end !== latest) ring.reset(latest);
    });
    return events.length < PAGE ? "complete" : "more";
  }

  /**
   * Takes note of what a reading found, before anything else of it is taken.
   *
   * @param heardOf The version that was known, be it by a hint, before the reading began.
   */
  async #note(standing: LogStanding, heardOf: bigint): Promise<"goes on" | "put back"> {
    const before = this.#standing;
    const goesOn =
      before === undefined || (standing.changeVersion >= heardOf && (await this.#goesOn(before, standing)));
    this.#standing = standing;
    if (goesOn) this.#noteChanges(standing.changeVersion);
    else this.#drop(standing);
    if (!goesOn || (before && before.epoch !== standing.epoch)) {
      this.#turns += 1;
      this.#readers.wakeAll();
    }
    return goesOn ? "goes on" : "put back";
  }

  /** What is held is of a history that is no more. */
  #drop({ epoch, eventSequence, changeVersion }: LogStanding): void {
    const [from, to] = [Number(this.#ring.end), Number(eventSequence)];
    this.#options.log.warn(
      { from, to, epoch },
      "the database was put back: those who watch are told, agents sync anew",
    );
    this.#changeVersion = changeVersion;
    this.#ring.reset(eventSequence);
  }

  /** Is what was so before still so? */
  async #goesOn(before: LogStanding, now: LogStanding): Promise<boolean> {
    if (!reaches(now, before)) return false;
    if (now.epoch === before.epoch) return true;
    const { end } = await readEpoch(this.#options.pool, before.epoch);
    return end !== undefined && reaches(end, before);
  }

  /** Whatever moves the end of the ring wakes those who wait for it: they may have come while it was being read. */
  #move(change: (ring: EventRing) => void): void {
    const before = this.#ring.end;
    change(this.#ring);
    if (this.#ring.end !== before) this.#readers.wakeAll();
  }
}

function reaches(end: LogPositions, positions: LogPositions): boolean {
  return end.eventSequence >= positions.eventSequence && end.changeVersion >= positions.changeVersion;
}
