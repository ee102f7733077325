import { Attempt } from "./attempt.ts";
import type { AttemptHost } from "./attempt-host.ts";
import type { AnyHandler } from "./definition.ts";
import type { Completion, EntryRecord } from "./journal.ts";
import type { Asked, HandedBack, OwnedInvocation } from "./operations.ts";
import { StartQueue } from "./start-queue.ts";

// The invocations that this node owns and has in memory.
//
//   M1. One resident per invocation, in one of these states: queued (waits for
//       a slot), loading (its journal is being read), live (has an attempt),
//       resting (its attempt failed; a timer brings it back to queued).
//   M2. At most `maxActive` attempts have something to do at the same time; an
//       attempt that only waits for something durable holds no slot (E6).
//   M3. What arrives for a resident that is not live is not kept: its journal
//       is read after that, or, if it was being read just then, looked at again.

interface Resident {
  invocation: OwnedInvocation;
  attempt?: Attempt;
  loading?: boolean;
  /** Something arrived while the journal was being read. */
  missed?: boolean;
  /** Since when its attempt only waits, by the monotonic clock. */
  idleSince?: number;
  /** Ends its rest before its time. */
  wake?: () => void;
  /** Stops the timer of its rest. */
  stopRest?: () => void;
}

/** A resident that was let go of. */
export interface Released extends HandedBack {
  /** Entries that it waits for. */
  readonly entries: readonly number[];
  /** What it has been told of. */
  readonly asked: Asked | undefined;
}

export interface ResidentsOptions {
  readonly maxActive: number;
  readonly host: AttemptHost;
  handlerOf(service: string, name: string): AnyHandler | undefined;
  loadJournals(ids: readonly number[]): Promise<Map<number, EntryRecord[]>>;
  /** Something may have come for these while nobody looked. */
  look(ids: readonly number[]): void;
  /** The journal of these cannot be read: the node is no use. */
  onBroken(error: unknown): void;
}

const LOADED_AT_ONCE = 500;

export class Residents {
  readonly #options: ResidentsOptions;
  readonly #residents = new Map<number, Resident>();
  readonly #queue = new StartQueue<Resident>();
  readonly #active = new Set<Attempt>();
  #loading = 0;
  #closing = false;
  #quiet = Promise.withResolvers<void>();

  constructor(options: ResidentsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#residents.size;
  }

  get active(): number {
    return this.#active.size;
  }

  /** Slots that nobody has or is about to take. */
  get freeSlots(): number {
    return Math.max(0, this.#options.maxActive - this.#active.size - this.#loading - this.#queue.size);
  }

  /** Those that wait for a slot. */
  get queued(): number {
    return this.#queue.size;
  }

  has(id: number): boolean {
    return this.#residents.has(id);
  }

  /** Starts what this node has come to own. */
  adopt(invocations: readonly OwnedInvocation[]): void {
    for (const invocation of invocations) {
      const resident = { invocation };
      this.#residents.set(invocation.id, resident);
      this.#queue.add(resident, invocation.priority);
    }
    this.#startNext();
  }

  deliver(id: number, entry: number, completion: Completion): void {
    const resident = this.#residents.get(id);
    if (resident?.attempt) resident.attempt.deliver(entry, completion);
    else if (resident?.loading) resident.missed = true;
  }

  /** Tells a resident what an operator wants of it. */
  ask(id: number, asked: Asked): void {
    const resident = this.#residents.get(id);
    if (!resident) return;
    resident.invocation = { ...resident.invocation, asked };
    if (resident.attempt) resident.attempt.ask(asked);
    else resident.wake?.();
  }

  /** Waits for no next try any longer, of an attempt or of a step. */
  hurry(ids: readonly number[]): void {
    for (const id of ids) {
      const resident = this.#residents.get(id);
      if (resident?.attempt) resident.attempt.hurry();
      else resident?.wake?.();
    }
  }

  onBusy(attempt: Attempt): void {
    this.#active.add(attempt);
  }

  onIdle(attempt: Attempt): void {
    this.#active.delete(attempt);
    const resident = this.#residents.get(attempt.invocation.id);
    if (resident) resident.idleSince = performance.now();
    this.#startNext();
  }

  /** The invocation is no longer this node's business. */
  remove(attempt: Attempt): void {
    this.#residents.delete(attempt.invocation.id);
    this.onIdle(attempt);
  }

  /** Takes the resident out of the running until `wake` is called; `arrange` answers with what stops it from calling. */
  rest(
    attempt: Attempt,
    failing: Pick<OwnedInvocation, "failures" | "failingSince">,
    arrange: (wake: () => void) => () => void,
  ): void {
    const resident = this.#residents.get(attempt.invocation.id);
    this.onIdle(attempt);
    if (!resident) return;
    delete resident.attempt;
    resident.invocation = { ...resident.invocation, ...failing, attempts: resident.invocation.attempts + 1 };
    let resting = true;
    resident.wake = () => {
      if (!resting || this.#residents.get(attempt.invocation.id) !== resident) return;
      resting = false;
      resident.stopRest?.();
      delete resident.wake;
      this.#queue.add(resident, resident.invocation.priority);
      this.#startNext();
    };
    resident.stopRest = arrange(resident.wake);
  }

  /** Up to `count` residents that something may have come for, those not asked for for longest first. */
  oldest(count: number): number[] {
    const found: [number, Resident][] = [];
    for (const [id, resident] of this.#residents) {
      if (found.length >= count) break;
      // Also those that are busy: a cancellation ends their steps.
      if (resident.attempt) found.push([id, resident]);
    }
    // To the end of the line.
    for (const [id, resident] of found) {
      this.#residents.delete(id);
      this.#residents.set(id, resident);
    }
    return found.map(([id]) => id);
  }

  /** Lets go of up to `count` that have only waited for `idleMs`. Returns what they wait for and know of. */
  release(count: number, idleMs: number): Released[] {
    const before = performance.now() - idleMs;
    const released: Released[] = [];
    for (const [id, { attempt, idleSince, invocation }] of this.#residents) {
      if (released.length >= count) break;
      // One that has ended is not busy, and its end may still be on its way to the database.
      if (!attempt || attempt.busy || attempt.ended || idleSince === undefined || idleSince > before) continue;
      released.push({ id, attempts: invocation.attempts, entries: attempt.pendingEntries, asked: invocation.asked });
      attempt.drop();
      this.#residents.delete(id);
    }
    return released;
  }

  /** Lets go of those that wait for a slot, but for the first `keep`: the attempt that was counted has not begun. */
  cutQueue(keep: number): HandedBack[] {
    if (this.#queue.size <= keep) return [];
    const cut = this.#queue.cut(keep).map(({ invocation: { id, attempts } }) => ({ id, attempts: attempts - 1 }));
    for (const { id } of cut) this.#residents.delete(id);
    return cut;
  }

  /** Starts nothing more; resolves once no attempt has anything to do. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#active.size > 0) await this.#quiet.promise;
  }

  /** Lets go of everything at once. */
  dropAll(): void {
    this.#closing = true;
    const residents = [...this.#residents.values()];
    this.#residents.clear();
    this.#queue.clear();
    this.#active.clear();
    for (const { attempt, stopRest } of residents) {
      stopRest?.();
      attempt?.drop();
    }
    this.#quiet.resolve();
  }

  #startNext(): void {
    if (this.#active.size === 0) {
      this.#quiet.resolve();
      this.#quiet = Promise.withResolvers();
    }
    const toLoad: Resident[] = [];
    while (!this.#closing && this.#active.size + this.#loading < this.#options.maxActive) {
      const resident = this.#queue.take();
      if (!resident) break;
      if (resident.invocation.attempts <= 1) {
        this.#start(resident, []);
      } else {
        this.#loading++;
        resident.loading = true;
        toLoad.push(resident);
      }
    }
    for (let i = 0; i < toLoad.length; i += LOADED_AT_ONCE) void this.#load(toLoad.slice(i, i + LOADED_AT_ONCE));
  }

  async #load(residents: readonly Resident[]): Promise<void> {
    let journals: Map<number, EntryRecord[]>;
    try {
      journals = await this.#options.loadJournals(residents.map(({ invocation }) => invocation.id));
    } catch (error) {
      this.#loading -= residents.length;
      if (!this.#closing) this.#options.onBroken(error);
      return;
    }
    this.#loading -= residents.length;
    for (const resident of residents) {
      resident.loading = false;
      if (!this.#closing) this.#start(resident, journals.get(resident.invocation.id) ?? []);
    }
    const missed = residents.filter((resident) => resident.missed).map(({ invocation }) => invocation.id);
    if (missed.length > 0) this.#options.look(missed);
    this.#startNext();
  }

  #start(resident: Resident, records: readonly EntryRecord[]): void {
    const { invocation } = resident;
    const handler = this.#options.handlerOf(invocation.service, invocation.handler);
    if (!handler) {
      // Taken over to be killed: no node that is up has it.
      resident.attempt = new Attempt(this.#options.host, unknownHandler(invocation), invocation, records);
      resident.attempt.kill();
      return;
    }
    resident.attempt = new Attempt(this.#options.host, handler, invocation, records);
    resident.attempt.start();
  }
}

function unknownHandler({ service, handler, exclusive }: OwnedInvocation): AnyHandler {
  const codec = { encode: String, decode: (text: string) => text as never };
  const run = () => Promise.reject(new Error("no handler"));
  return {
    service,
    name: handler,
    kind: exclusive ? "exclusive" : "shared",
    public: false,
    input: codec,
    output: codec,
    run,
  };
}
