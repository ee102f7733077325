import type { EngineLog } from "../../engine/index.ts";

const QUIET_MS = 10_000;

interface Kind {
  toldAt: number;
  untold: number;
}

/**
 * Tells the log of callers that were refused: of each kind the first one, and
 * then one in ten seconds with how many there were in between. Whoever tries
 * tokens cannot fill a disk. Never has a token, or a text that may be one.
 */
export class RefusalLog {
  readonly #log: EngineLog;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: EngineLog) {
    this.#log = log;
  }

  /** `why` names the kind, of which there are a few. */
  note(why: string, fields: object): void {
    const now = performance.now();
    const kind = this.#kinds.get(why) ?? { toldAt: -Infinity, untold: 0 };
    this.#kinds.set(why, kind);
    if (now - kind.toldAt < QUIET_MS) {
      kind.untold += 1;
      return;
    }
    this.#log.warn({ why, ...fields, ...(kind.untold > 0 && { untold: kind.untold }) }, "a caller was refused");
    kind.toldAt = now;
    kind.untold = 0;
  }
}
