import { CancelledError } from "./errors.ts";
import type { Awaiter, DurableFuture } from "./future.ts";
import type { JournalCursor } from "./journal.ts";

interface Wait {
  readonly entry: number;
  reject(error: CancelledError): void;
}

/**
 * What a handler awaits at the moment. A cancellation is delivered once, to
 * every await that is open then or, if none is, to the next one; it is recorded
 * before the handler learns of it, so that a replay ends the same awaits. While
 * the handler repeats what is recorded, none is delivered: it would take it off
 * the journal's path.
 */
export class Waits implements Awaiter {
  readonly #open = new Set<Wait>();
  readonly #cursor: JournalCursor;
  readonly #recordCancel: (entries: readonly number[]) => void;
  #cancelRequested = false;
  #delivered: boolean;

  constructor(cursor: JournalCursor, recordCancel: (entries: readonly number[]) => void, delivered: boolean) {
    this.#cursor = cursor;
    this.#recordCancel = recordCancel;
    this.#delivered = delivered;
  }

  wait<T>(future: DurableFuture<T>): Promise<T> {
    if (this.#cursor.wasCancelled(future.entry)) return Promise.reject(new CancelledError());
    if (future.settled) {
      this.#deliver();
      return future.promise;
    }
    return this.#hold([future.entry], future.promise);
  }

  /** Waits for the first of them; tells its position. A failure counts as completed. */
  waitAny(futures: readonly DurableFuture<unknown>[]): Promise<number> {
    const cancelled = futures.filter((future) => this.#cursor.wasCancelled(future.entry));
    if (cancelled.length > 0) return Promise.reject(new CancelledError());
    const done = futures.findIndex((future) => future.settled);
    if (done >= 0) return Promise.resolve(done);
    const first = Promise.race(
      futures.map((future, i) =>
        future.promise.then(
          () => i,
          () => i,
        ),
      ),
    );
    return this.#hold(
      futures.map((future) => future.entry),
      first,
    );
  }

  /** Asks the handler to end. */
  cancel(): void {
    this.#cancelRequested = true;
    this.#deliver();
  }

  #hold<T>(entries: readonly number[], promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waits = entries.map((entry) => ({ entry, reject }));
      for (const wait of waits) this.#open.add(wait);
      const release = () => {
        for (const wait of waits) this.#open.delete(wait);
      };
      promise.then(
        (value) => {
          release();
          resolve(value);
        },
        (error) => {
          release();
          reject(error);
        },
      );
      this.#deliver();
    });
  }

  #deliver(): void {
    if (!this.#cancelRequested || this.#delivered || this.#open.size === 0 || !this.#cursor.live) return;
    this.#delivered = true;
    const waits = [...this.#open];
    this.#open.clear();
    this.#recordCancel(waits.map((wait) => wait.entry));
    for (const wait of waits) wait.reject(new CancelledError());
  }
}
