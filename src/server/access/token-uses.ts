import type { Engine } from "../../engine/index.ts";
import { noteTokenUse } from "../../rollout/index.ts";

const MINUTE_MS = 60_000;

/** Which tokens were used, written to the table once a minute for each at most, and never waited for. */
export class TokenUses {
  readonly #engine: Pick<Engine, "executeMany">;
  readonly #minuteOf = new Map<string, number>();
  readonly #unwritten = new Set<string>();
  #writing: Promise<void> | undefined;

  constructor(engine: Pick<Engine, "executeMany">) {
    this.#engine = engine;
  }

  note(tokenId: string): void {
    const minute = Math.floor(Date.now() / MINUTE_MS);
    if (this.#minuteOf.get(tokenId) === minute) return;
    this.#minuteOf.set(tokenId, minute);
    this.#unwritten.add(tokenId);
  }

  /** Forgets the tokens that are gone. */
  keepOnly(tokenIds: ReadonlyMap<string, unknown>): void {
    for (const id of this.#minuteOf.keys()) if (!tokenIds.has(id)) this.#minuteOf.delete(id);
  }

  /** Starts to write what is not written yet. Never fails: what could not be written is tried again. */
  write(): void {
    if (this.#unwritten.size === 0) return;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves once nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const ids = [...this.#unwritten];
    this.#unwritten.clear();
    try {
      await this.#engine.executeMany(
        noteTokenUse,
        ids.map((id) => ({ id })),
      );
    } catch {
      for (const id of ids) this.#unwritten.add(id);
    }
  }
}
