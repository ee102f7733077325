import { aheadAmongPeers } from "./claimer.ts";
import type { HandedBack, Operation } from "./operations.ts";
import { Periodic } from "./periodic.ts";
import type { Residents } from "./residents.ts";

const HANDED_BACK_AT_ONCE = 1_000;
const EVERY_MS = 100;
/** What came to its wait just now may go on in the next moment. */
const SETTLED_AFTER_MS = 20;

export interface HandOverOptions {
  readonly maxActive: number;
  readonly residents: Residents;
  hasPeers(): boolean;
  write(operation: Operation): void;
}

/** Gives what this node owns and does not run back to where peers can take it. */
export class HandOver {
  readonly #options: HandOverOptions;
  #leaving: Periodic | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** What waits for a slot here, where peers may have one free. */
  share(): void {
    const { residents, maxActive, hasPeers } = this.#options;
    if (hasPeers()) this.#handBack(residents.cutQueue(aheadAmongPeers(maxActive)));
  }

  /** From now on all that has nothing to do here, while the rest comes to its next wait. */
  begin(): void {
    this.#handAll();
    this.#leaving ??= new Periodic(
      EVERY_MS,
      async () => this.#handAll(),
      () => {},
    );
  }

  end(): void {
    this.#leaving?.stop();
  }

  #handAll(): void {
    const { residents } = this.#options;
    this.#handBack(residents.cutQueue(0));
    this.#handBack(residents.release(Number.POSITIVE_INFINITY, SETTLED_AFTER_MS));
  }

  #handBack(invocations: readonly HandedBack[]): void {
    for (let i = 0; i < invocations.length; i += HANDED_BACK_AT_ONCE) {
      this.#options.write({ kind: "hand_back", invocations: invocations.slice(i, i + HANDED_BACK_AT_ONCE) });
    }
  }
}
