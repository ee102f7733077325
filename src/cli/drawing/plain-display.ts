import type { RolloutEvent, WatchResponse } from "../../client/index.ts";
import { RolloutEventType as Type } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { Display } from "./display.ts";
import { summaryLine } from "./draw-head.ts";
import { eventLine, progressSentence } from "./event-sentence.ts";
import { msOf, viewOfRollout } from "../view/rollout-view.ts";
import { sayAway } from "./say-away.ts";
import type { Terminal } from "../terminal.ts";
import { countOf } from "../words.ts";

/** What goes well happens once for each sentinel: thousands of lines that nobody reads. `--json` has them all. */
const ROUTINE: ReadonlySet<Type> = new Set([
  Type.SENTINEL_DEPLOYING,
  Type.SENTINEL_READY,
  Type.SENTINEL_SKIPPED,
  Type.SENTINEL_REVERTING,
  Type.SENTINEL_REVERTED,
]);

/** By the clock of the events: the same events are told in the same lines, whenever they are read. */
const PROGRESS_EVERY_MS = 10_000;

/**
 * Lines for a log: every event once, but for what goes well with each sentinel, which is told as the progress
 * of its wave (or of the rollback), every ten seconds at most.
 */
export class PlainDisplay implements Display {
  readonly #terminal: Terminal;
  readonly away: Display["away"];
  #toldAt = 0;
  #reverted = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.away = sayAway(terminal);
  }

  show({ message }: WatchResponse): void {
    if (message.case === "event") this.#showEvent(message.value);
    if (message.case !== "snapshot") return;
    const { rollout, sequence, reset } = message.value;
    if (reset) this.note("earlier events are no longer kept, or the database was put back; this is how it stands:");
    if (rollout) this.note(summaryLine(viewOfRollout(rollout, sequence), this.#terminal.style));
    this.#reverted = rollout?.reverted ?? 0;
  }

  note(line: string): void {
    this.#terminal.print(line);
  }

  end(): void {}

  #showEvent(event: RolloutEvent): void {
    if (event.type === Type.ROLLOUT_STARTED || event.type === Type.ROLLBACK_STARTED) this.#reverted = 0;
    if (event.type === Type.SENTINEL_REVERTED) this.#reverted += 1;
    const at = msOf(event.time) ?? 0;
    const routine = ROUTINE.has(event.type);
    if (routine && at - this.#toldAt < PROGRESS_EVERY_MS) return;
    const { style } = this.#terminal;
    this.note(routine ? eventLine(event, style, this.#progress(event)) : eventLine(event, style));
    // A failure says nothing of how far the others are.
    if (routine || event.sentinelId === "") this.#toldAt = at;
  }

  #progress(event: RolloutEvent): string {
    const isRollback = event.type === Type.SENTINEL_REVERTING || event.type === Type.SENTINEL_REVERTED;
    return isRollback ? `rollback: ${countOf(this.#reverted, "sentinel")} reverted so far` : progressSentence(event);
  }
}
