import { createLogUpdate } from "log-update";
import type { HydraClient, RolloutEvent, WatchResponse } from "../client.ts";
import {
  RolloutEventType,
  RolloutTargetStatus,
  SentinelRolloutState as State,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { Display } from "./display.ts";
import { drawRollout } from "./draw-rollout.ts";
import { applyEvent, emptyView, type RolloutView, viewOfRollout, withFailures, withPlan } from "./rollout-view.ts";
import type { Terminal } from "./terminal.ts";

const FRAME_MS = 100;
/** Clocks in the picture move on without events. */
const IDLE_FRAMES = 5;
const MAX_FAILURES_ASKED = 20;

/** One picture of the rollout, drawn over again and again. */
export class LiveDisplay implements Display {
  readonly #client: HydraClient;
  readonly #terminal: Terminal;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #timer: NodeJS.Timeout;
  #view: RolloutView = emptyView();
  #changed = true;
  #framesSkipped = 0;
  #ended = false;

  constructor(client: HydraClient, terminal: Terminal) {
    this.#client = client;
    this.#terminal = terminal;
    this.#update = createLogUpdate(terminal.stream);
    this.#timer = setInterval(() => this.#frame(), FRAME_MS);
  }

  show({ message }: WatchResponse): void {
    if (message.case === "snapshot" && message.value.rollout) {
      this.#view = viewOfRollout(message.value.rollout, message.value.sequence);
      if (message.value.rollout.failed > 0) void this.#askFailures(this.#view.rolloutId);
      this.#draw();
    }
    if (message.case === "event") {
      this.#view = applyEvent(this.#view, message.value);
      this.#changed = true;
      if (this.#lacksPlan(message.value)) void this.#askPlan(this.#view.rolloutId);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#draw();
    this.#update.done();
  }

  #frame(): void {
    const moves = this.#view.state === State.IN_PROGRESS || this.#view.state === State.ROLLING_BACK;
    const due = this.#changed || (moves && ++this.#framesSkipped >= IDLE_FRAMES);
    if (due) this.#draw();
  }

  #draw(): void {
    this.#changed = false;
    this.#framesSkipped = 0;
    const { columns, rows } = this.#terminal.size();
    const canvas = { columns: columns - 1, rows: rows - 1, now: Date.now(), style: this.#terminal.style };
    const lines =
      this.#view.rolloutId === "" && !this.#ended
        ? ["Waiting for a rollout to start."]
        : drawRollout(this.#view, canvas);
    this.#update(lines.join("\n"));
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
      const request = { rolloutId, pageSize: MAX_FAILURES_ASKED, statuses: [RolloutTargetStatus.FAILED] };
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
