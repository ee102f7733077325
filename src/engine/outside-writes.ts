import { type Effect, effectCall } from "./effect.ts";
import type { Operation } from "./operations.ts";
import type { Succession } from "./succession.ts";
import type { Unit } from "./unit.ts";

/** What is written from outside any invocation, and is no call. Resolves after the commit. */
export class OutsideWrites {
  readonly #takingCalls: () => Succession;

  /** `takingCalls` throws where nothing more is taken. */
  constructor(takingCalls: () => Succession) {
    this.#takingCalls = takingCalls;
  }

  async execute<Row, Result>(effect: Effect<Row, Result>, row: Row): Promise<Result | null> {
    const [result = null] = await this.executeMany(effect, [row]);
    return result;
  }

  async executeMany<Row, Result>(effect: Effect<Row, Result>, rows: readonly Row[]): Promise<(Result | null)[]> {
    if (rows.length === 0) return [];
    const effects = rows.map((row) => effectCall(effect, row));
    return await this.#submit<(Result | null)[]>(
      { effects, weight: rows.length, urgent: rows.length === 1 },
      (results) => rows.map((_, i) => (results[i] ?? null) as Result | null),
    );
  }

  /** In one commit. */
  async write(...operations: readonly Operation[]): Promise<void> {
    const shape = { effects: [], weight: operations.length, urgent: operations.length === 1 };
    await this.#submit<void>(shape, () => undefined, operations);
  }

  #submit<T>(
    shape: Pick<Unit, "effects" | "weight" | "urgent">,
    read: (results: readonly unknown[]) => T,
    operations: readonly Operation[] = [],
  ): Promise<T> {
    const succession = this.#takingCalls();
    return new Promise((resolve, reject) => {
      succession.submit({
        ...shape,
        survives: true,
        operations: () => operations,
        committed: (results) => resolve(read(results)),
        failed: reject,
      });
    });
  }
}
