import { startTimer } from "./timer.ts";

/** Runs a task again and again, `intervalMs` after its last run ended; a failure is told and does not end it. */
export class Periodic {
  #stopped = false;
  #stopTimer: () => void;
  readonly #intervalMs: number;
  readonly #task: () => Promise<void>;
  readonly #onError: (error: unknown) => void;

  constructor(intervalMs: number, task: () => Promise<void>, onError: (error: unknown) => void) {
    this.#intervalMs = intervalMs;
    this.#task = task;
    this.#onError = onError;
    this.#stopTimer = startTimer(intervalMs, () => void this.#run());
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  async #run(): Promise<void> {
    try {
      await this.#task();
    } catch (error) {
      if (!this.#stopped) this.#onError(error);
    }
    if (!this.#stopped) this.#stopTimer = startTimer(this.#intervalMs, () => void this.#run());
  }
}
