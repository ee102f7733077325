import type { Future } from "./context.ts";

/** How an attempt lets its handler wait, so that a cancellation can end the wait. */
export interface Awaiter {
  wait<T>(future: DurableFuture<T>): Promise<T>;
}

/** A future of one attempt. Awaiting it registers with the attempt. */
export class DurableFuture<T> implements Future<T> {
  readonly entry: number;
  readonly promise: Promise<T>;
  settled: boolean;
  readonly #awaiter: Awaiter;

  /** `settled`: the promise has been settled already, which it cannot tell. */
  constructor(entry: number, promise: Promise<T>, awaiter: Awaiter, settled: boolean) {
    this.entry = entry;
    this.promise = promise;
    this.#awaiter = awaiter;
    this.settled = settled;
    const settle = () => {
      this.settled = true;
    };
    // A failure that nobody awaits is the handler's business, not the process's.
    promise.then(settle, settle);
  }

  // oxlint-disable-next-line unicorn/no-thenable
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#awaiter.wait(this).then(onFulfilled, onRejected);
  }
}
