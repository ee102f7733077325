import type { HydraClient, RolloutEvent } from "../../client/index.ts";
import {
  RolloutEventType,
  RolloutTargetStatus,
  SentinelRolloutState as State,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { Display } from "./display.ts";
import { drawRollout } from "./draw-rollout.ts";
import { showText } from "../fit-text.ts";
import { Painter } from "./painter.ts";
import {
  emptyView,
  MAX_FAILURES,
  type RolloutView,
  viewOfRollout,
  withFailures,
  withPlan,
} from "../view/rollout-view.ts";
import type { Terminal } from "../terminal.ts";
import { applyEvent, applyPassedOver } from "../view/view-events.ts";
import type { SkimmedResponse } from "../watching/skim.ts";
import { formatEstimate } from "../words.ts";

const FRAME_MS = 100;
/** Clocks in the picture move on without events. */
const IDLE_FRAMES = 5;

/** One picture of the rollout, drawn over again and again: at most ten times a second, whatever happens. */
export class LiveDisplay implements Display {
  readonly #client: HydraClient;
  readonly #terminal: Terminal;
  readonly #hints: boolean;
  readonly #painter: Painter;
  #view: RolloutView = emptyView();
  #awayMs: number | undefined;
  /** Runs from the first thing to show until the end. */
  #timer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => {};
  #changed = true;
  #framesSkipped = 0;
  #ended = false;

  constructor(client: HydraClient, terminal: Terminal, hints: boolean) {
    this.#client = client;
    this.#terminal = terminal;
    this.#hints = hints;
    this.#painter = new Painter((text) => terminal.write(text));
  }

  show({ message, passedOver }: SkimmedResponse): void {
    if (message.case === "snapshot" && message.value.rollout) {
      this.#view = viewOfRollout(message.value.rollout, message.value.sequence);
      this.#changed = true;
      if (message.value.rollout.failed > 0) void this.#askFailures(this.#view.rolloutId);
    }
    if (message.case === "event") {
      if (passedOver) this.#view = applyPassedOver(this.#view, message.value, passedOver);
      this.#view = applyEvent(this.#view, message.value);
      this.#changed = true;
      if (this.#lacksPlan(message.value)) void this.#askPlan(this.#view.rolloutId);
    }
    this.#begin();
  }

  note(line: string): void {
    this.#painter.insert([line], this.#terminal.size());
  }

  away(forMs: number | undefined): void {
    this.#awayMs = forMs;
    this.#changed = true;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#stopListening();
    if (this.#timer !== undefined) this.#draw();
    this.#painter.done();
    this.#terminal.restore();
  }

  #begin(): void {
    if (this.#timer !== undefined || this.#ended) return;
    this.#timer = setInterval(() => this.#frame(), FRAME_MS);
    this.#stopListening = this.#terminal.onResize(() => (this.#changed = true));
    this.#draw();
  }

  #frame(): void {
    const moves = this.#view.state === State.IN_PROGRESS || this.#view.state === State.ROLLING_BACK;
    const due = this.#changed || (moves && ++this.#framesSkipped >= IDLE_FRAMES);
    if (due) this.#draw();
  }

  #draw(): void {
    this.#changed = false;
    this.#framesSkipped = 0;
    this.#painter.paint(this.#picture(), this.#terminal.size());
  }

  #picture(): string[] {
    const { style } = this.#terminal;
    const { columns, rows } = this.#terminal.size();
    const away = this.#awayMs === undefined ? [] : [awayLine(this.#awayMs)];
    const canvas = { columns: columns - 1, rows: rows - 1 - away.length, now: Date.now(), style, hints: this.#hints };
    const waiting = this.#view.rolloutId === "" && !this.#ended;
    const lines = waiting ? ["Waiting for a rollout to start."] : drawRollout(this.#view, canvas);
    return [...lines, ...away.map((line) => style.colors.yellow(showText(line, canvas.columns, style)))];
  }

  /** Events do not tell the waves to come: they are asked for once, when the first one known starts. */
  #lacksPlan(event: RolloutEvent): boolean {
    if (event.type !== RolloutEventType.WAVE_STARTED) return false;
    return this.#view.waves.some((wave) => wave.percentage === undefined);
  }

  async #askPlan(rolloutId: string): Promise<void> {
    await this.#ask(async () => {
      const { rollout } = await this.#client.rollouts.getRollout({ rolloutId });
      if (rollout) this.#view = withPlan(this.#view, rollout);
    });
  }

  async #askFailures(rolloutId: string): Promise<void> {
    await this.#ask(async () => {
      const request = { rolloutId, pageSize: MAX_FAILURES, statuses: [RolloutTargetStatus.FAILED] };
      const { targets } = await this.#client.rollouts.listRolloutTargets(request);
      if (this.#view.rolloutId === rolloutId) this.#view = withFailures(this.#view, targets);
    });
  }

  /** The picture is drawn without what cannot be had now: the watch itself says when the server is gone. */
  async #ask(question: () => Promise<void>): Promise<void> {
    await question().catch(() => {});
    this.#changed = true;
  }
}

function awayLine(forMs: number): string {
  return `no answer from the server for ${formatEstimate(forMs)}; trying again. What runs there goes on.`;
}
