import type { CourseEvent, TracedRollout } from "../../rollout/index.ts";
import { Attribute, type Span } from "./span.ts";
import type { Trace } from "./trace.ts";

/** A span with the event that ended it. */
export interface EndedSpan {
  readonly span: Span;
  readonly endedBy: number;
}

/**
 * The spans of a rollout as a whole that are over: itself, its waves, pauses
 * and rollbacks. Goes through its course from the start, so the answer for an
 * event is the same whenever it is asked for.
 */
export function courseSpans(rollout: TracedRollout, trace: Trace): EndedSpan[] {
  const course = new Course(rollout, trace);
  for (const event of rollout.course) course.take(event);
  return course.ended;
}

class Course {
  readonly ended: EndedSpan[] = [];
  readonly #rollout: TracedRollout;
  readonly #trace: Trace;
  #rolloutIsOver = false;
  #wave: CourseEvent | undefined;
  #pause: CourseEvent | undefined;
  #rollback: CourseEvent | undefined;

  constructor(rollout: TracedRollout, trace: Trace) {
    this.#rollout = rollout;
    this.#trace = trace;
  }

  take(event: CourseEvent): void {
    switch (event.type) {
      case "wave_started":
        // A wave that is started again, since its driver ended in the middle, goes on.
        if (this.#wave?.waveIndex !== event.waveIndex) this.#wave = event;
        break;
      case "wave_completed":
        this.#endWave(event);
        break;
      case "rollout_paused":
        this.#pause = event;
        break;
      case "rollout_resumed":
        this.#endPause(event);
        break;
      case "rollback_started":
        this.#endPause(event);
        this.#endWave(event);
        this.#rollback = event;
        break;
      case "rollback_completed":
        this.#endRollback(event);
        this.#endRollout(event, "cancelled", "rolled back");
        break;
      case "rollout_cancelled":
        this.#endPause(event);
        this.#endWave(event);
        this.#endRollback(event);
        this.#endRollout(event, "cancelled", event.reason ?? "cancelled");
        break;
      case "rollout_completed":
        this.#endRollout(event, "completed");
        break;
    }
  }

  /** One that is over once stays so: what is rolled back after a cancel is a span beside it. */
  #endRollout(event: CourseEvent, state: "completed" | "cancelled", error?: string): void {
    if (this.#rolloutIsOver) return;
    this.#rolloutIsOver = true;
    const { id, image, startedAtUs, waves } = this.#rollout;
    const sum = (column: "size" | "ready" | "failed" | "skipped" | "reverted") =>
      waves.reduce((total, wave) => total + wave[column], 0);
    this.#end(event, {
      name: "rollout",
      id: this.#trace.spanId("rollout"),
      parentId: this.#trace.parentId,
      startUs: startedAtUs,
      attributes: {
        [Attribute.deploymentId]: id,
        [Attribute.deploymentName]: image,
        [Attribute.deploymentStatus]: state === "completed" ? "succeeded" : "failed",
        [Attribute.image]: image,
        [Attribute.rolloutState]: state,
        [Attribute.total]: sum("size"),
        [Attribute.ready]: sum("ready"),
        [Attribute.failed]: sum("failed"),
        [Attribute.skipped]: sum("skipped"),
        [Attribute.reverted]: sum("reverted"),
      },
      ...(error !== undefined && { error }),
    });
  }

  /** By its completion, or by what left it in the middle. */
  #endWave(event: CourseEvent): void {
    const started = this.#wave;
    if (!started) return;
    this.#wave = undefined;
    const index = started.waveIndex ?? 0;
    const wave = this.#rollout.waves.find(({ wave_index }) => wave_index === index);
    const completed = event.type === "wave_completed";
    const ready = (completed ? event.waveReady : wave?.ready) ?? 0;
    const failed = (completed ? event.waveFailed : wave?.failed) ?? 0;
    this.#end(event, {
      name: "wave",
      id: this.#trace.spanId("wave", index),
      parentId: this.#trace.spanId("rollout"),
      startUs: started.timeUs,
      attributes: {
        [Attribute.waveIndex]: index,
        [Attribute.wavePercentage]: wave?.percentage ?? 0,
        [Attribute.waveSize]: wave?.size ?? 0,
        [Attribute.ready]: ready,
        [Attribute.failed]: failed,
        [Attribute.outcome]: completed ? "completed" : "left",
      },
      ...(failed > 0 && { error: `${failed} of ${wave?.size ?? 0} sentinels failed` }),
    });
  }

  #endPause(event: CourseEvent): void {
    const paused = this.#pause;
    if (!paused) return;
    this.#pause = undefined;
    this.#end(event, {
      name: "pause",
      id: this.#trace.spanId("pause", paused.sequence),
      parentId: this.#trace.spanId("rollout"),
      startUs: paused.timeUs,
      attributes: { [Attribute.reason]: paused.reason ?? "" },
    });
  }

  #endRollback(event: CourseEvent): void {
    const started = this.#rollback;
    if (!started) return;
    this.#rollback = undefined;
    const completed = event.type === "rollback_completed";
    this.#end(event, {
      name: "rollback",
      id: this.#trace.spanId("rollback", started.sequence),
      parentId: this.#trace.spanId("rollout"),
      startUs: started.timeUs,
      attributes: completed ? { [Attribute.reverted]: event.reverted ?? 0 } : {},
      ...(!completed && { error: event.reason ?? "it ended early" }),
    });
  }

  #end(event: CourseEvent, span: Omit<Span, "endUs">): void {
    const attributes = { [Attribute.rolloutId]: this.#rollout.id, ...span.attributes };
    this.ended.push({ span: { ...span, endUs: event.timeUs, attributes }, endedBy: event.sequence });
  }
}
