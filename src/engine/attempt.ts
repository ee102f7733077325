import { AttemptContext } from "./attempt-context.ts";
import type { AttemptHost } from "./attempt-host.ts";
import type { AnyHandler } from "./definition.ts";
import type { EffectCall } from "./effect.ts";
import { JournalMismatchError, messageOf, TerminalError } from "./errors.ts";
import { formatInvocationId } from "./ids.ts";
import type { Completion, EntryRecord } from "./journal.ts";
import { type Asked, completionWrite, type Operation, type OwnedInvocation } from "./operations.ts";
import type { Unit } from "./unit.ts";

// One attempt: replays the journal, then records, until the handler ends, the
// attempt fails, or the node lets go of it.
//
//   A1. Everything an attempt writes goes through `submit`, in one lane.
//   A2. After its end (of whatever kind) an attempt begins nothing, and promises
//       it handed out never settle. What its handler had begun to write is
//       written before the handler's own end; any other end drops it.
//   A3. `busy` counts what is under way in this process: units, steps, reads.
//       With nothing under way the handler waits for something durable, holds
//       no slot, and may be dropped from memory and replayed later (E6).

export class Attempt {
  readonly invocation: OwnedInvocation;
  readonly handler: AnyHandler;
  readonly host: AttemptHost;
  hasTimers = false;
  /** Something of this attempt has been committed. */
  progressed = false;
  readonly #context: AttemptContext;
  /** Made for those who ask; most handlers never do. */
  #abort: AbortController | undefined;
  #busy = 0;
  #ended = false;
  /** What waits to be written is not wanted any more. */
  #dropped = false;
  /** Counts ends and failures: an end that is still to be written gives way to what comes after it. */
  #ends = 0;
  /** The end that a `tx` brings about goes before that of the handler, which did not wait for it. */
  #endsByTx = false;
  /** The invocation's end is committed. */
  #finished = false;
  /** What it has been told that an operator wants. */
  #asked: Asked | undefined;
  /** The effect of its abandonment was refused: it ends without, see `park`. */
  #abandonmentFailed = false;

  constructor(host: AttemptHost, handler: AnyHandler, invocation: OwnedInvocation, records: readonly EntryRecord[]) {
    this.host = host;
    this.handler = handler;
    this.invocation = invocation;
    this.#asked = invocation.asked;
    this.#context = new AttemptContext(this, records);
    this.hasTimers = records.some((record) => record.kind === "sleep");
  }

  /** Aborted when the attempt is cancelled, or is over. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#ended) this.#abort.abort(letGo());
    return this.#abort.signal;
  }

  get busy(): boolean {
    return this.#busy > 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Entries that something durable completes: calls, sleeps, awakeables. */
  get pendingEntries(): readonly number[] {
    return this.#context.pendingEntries;
  }

  start(): void {
    this.enter();
    if (this.#asked !== undefined) this.ask(this.#asked);
    if (!this.#ended) void this.#run();
    // The handler's first turn is over by then; what it has begun counts itself.
    setImmediate(() => this.leave());
  }

  /** Completes an entry; a second completion changes nothing. */
  deliver(entry: number, completion: Completion): void {
    if (!this.#ended) this.#context.deliver(entry, completion);
  }

  /** Does what an operator wants; where the attempt is over, what comes after it does. */
  ask(asked: Asked): void {
    if (this.#ended) return;
    this.#asked = asked;
    if (asked === "kill") this.kill();
    else if (asked === "pause") this.#pause();
    else this.#cancel();
  }

  /** Ends the invocation at once, without its handler. */
  kill(): void {
    const kind = this.invocation.endsAs ?? "killed";
    this.drop();
    this.#end(new TerminalError(kind, kind));
  }

  /** Waits for the next try of a step no longer. */
  hurry(): void {
    if (!this.#ended) this.#context.timers.hurry();
  }

  /** Lets go of the attempt: nothing of it is written from now on. */
  drop(): void {
    this.#dropped = true;
    this.#endsByTx = false;
    this.#close();
  }

  /** Counts something under way in this process (A3). */
  enter(): void {
    if (this.#busy++ === 0 && !this.#ended) this.host.onBusy(this);
  }

  leave(): void {
    if (--this.#busy === 0 && !this.#ended) this.host.onIdle(this);
  }

  /** Writes operations of this attempt; `committed` hears of it after the commit, even where the attempt has ended by then. */
  submit(
    operations: (results: readonly unknown[]) => readonly Operation[],
    committed: (results: readonly unknown[]) => void,
    effects: readonly EffectCall[] = [],
    weight = 1,
  ): void {
    if (this.#ended) return;
    this.enter();
    this.#submit(operations, effects, weight, {
      committed: (results) => {
        this.progressed = true;
        committed(results);
        this.leave();
      },
      // The write itself was refused by the database: the attempt is over, the invocation is not.
      failed: (error) => this.fail(error),
      isWanted: () => !this.#dropped,
    });
  }

  /** An end that is committed. The first one counts: one that is still to be written, such as a kill, is dropped. */
  finish(completion: Completion): void {
    if (this.#finished) return;
    this.#finished = true;
    this.drop();
    this.host.onEnded(this, completion);
  }

  /** The write of an end that a `tx` brings about; none where it does not. */
  endByTx(completion: Completion | undefined): readonly Operation[] {
    // Killed meanwhile: should this batch be rolled back, the kill is written, and not this.
    this.#endsByTx = completion !== undefined && !this.#dropped;
    return completion ? [completionWrite(this.invocation, completion, this.hasTimers)] : [];
  }

  /** Ends the attempt with an error that the invocation does not end with. */
  fail(error: unknown): void {
    if (this.#dropped) return;
    this.#ends++;
    this.drop();
    this.host.onFailed(this, error);
  }

  /** A step failed and is tried again: said of the invocation, for those who look. */
  noteFailedTry(failure: string, failures: number): void {
    if (this.#ended) return;
    this.#submit(() => [{ kind: "attempt_failure", id: this.invocation.id, failure, failures, attempts: 0 }], [], 1, {
      committed: () => {},
      failed: () => {},
      isWanted: () => !this.#dropped,
    });
  }

  /** Parks the invocation, or ends it where its handler says what that leaves behind. */
  park(error: unknown): void {
    const failure = messageOf(error);
    this.drop();
    if (this.handler.abandoned && !this.#abandonmentFailed) {
      this.#end(new TerminalError(failure, "internal"));
      return;
    }
    this.#park({ failure }, error);
  }

  #cancel(): void {
    this.#context.cancel();
    // Also for those who ask later.
    this.#abort ??= new AbortController();
    this.#abort.abort(new TerminalError("cancelled", "cancelled"));
  }

  /** What is in flight is let go of, and done again once it is resumed. */
  #pause(): void {
    this.drop();
    this.#park({}, undefined);
  }

  #park(reason: { failure?: string }, error: unknown): void {
    this.#submit(() => [{ kind: "parking", id: this.invocation.id, asked: this.#asked, ...reason }], [], 1, {
      committed: () => this.host.onParked(this, error),
      failed: (refusal) => this.host.onFailed(this, refusal),
      isWanted: () => !this.#finished,
    });
  }

  #close(): void {
    this.#ended = true;
    this.#context.timers.stop();
    this.#abort?.abort(letGo());
  }

  async #run(): Promise<void> {
    try {
      const input = this.handler.input.decode(this.invocation.input);
      const output = await this.handler.run(this.#context, input);
      if (this.#ended) return;
      this.#context.recorder.assertFinished();
      this.#end({ ok: true, value: this.handler.output.encode(output) });
    } catch (error) {
      if (this.#ended) return;
      const reason = this.#reasonOf(error);
      if (reason instanceof JournalMismatchError) this.park(reason);
      else if (reason instanceof TerminalError) this.#end(reason);
      else this.fail(reason);
    }
  }

  /** A handler that fails before its journal ends has left its path as well. */
  #reasonOf(error: unknown): unknown {
    if (!(error instanceof TerminalError)) return this.#context.recorder.mismatch ?? error;
    try {
      this.#context.recorder.assertFinished();
      return error;
    } catch (mismatch) {
      return mismatch;
    }
  }

  #end(outcome: TerminalError | Completion): void {
    const completion: Completion =
      outcome instanceof TerminalError ? { ok: false, kind: outcome.kind, message: messageOf(outcome) } : outcome;
    let effects: EffectCall[];
    try {
      effects = completion.ok ? [] : this.#abandonment(completion.message);
    } catch (error) {
      this.#abandonmentFailed = true;
      if (!completion.ok && completion.kind === "killed") effects = [];
      else return this.park(error);
    }
    const write = completionWrite(this.invocation, completion, this.hasTimers);
    const number = ++this.#ends;
    this.#close();
    this.#submit(() => (this.#endsByTx ? [] : [write]), effects, 1, {
      committed: () => this.finish(completion),
      failed: (error) => {
        this.#abandonmentFailed = effects.length > 0;
        this.host.onFailed(this, error);
      },
      isWanted: () => !this.#finished && number === this.#ends,
    });
  }

  /** Throws where its handler's `abandoned` does, or the input cannot be read any more. */
  #abandonment(reason: string): EffectCall[] {
    const { id, key, input } = this.invocation;
    const call = this.handler.abandoned?.(this.handler.input.decode(input), {
      invocationId: formatInvocationId(id),
      key,
      reason,
    });
    return call ? [call] : [];
  }

  #submit(
    operations: Unit["operations"],
    effects: readonly EffectCall[],
    weight: number,
    rest: Pick<Unit, "committed" | "failed" | "isWanted">,
  ): void {
    this.host.submit({
      lane: this.invocation.id,
      urgent: this.invocation.priority === 0,
      effects,
      weight,
      operations,
      survives: false,
      ...rest,
    });
  }
}

function letGo(): TerminalError {
  return new TerminalError("the node let go of this attempt", "unavailable");
}
