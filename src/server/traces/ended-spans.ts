import {
  type LogStretch,
  readTracedOutcomes,
  readTracedRollouts,
  type TracedOutcome,
  type TracedRollout,
} from "../../rollout/index.ts";
import type { Pool } from "pg";
import { courseSpans } from "./course-spans.ts";
import { outcomeSpan } from "./outcome-spans.ts";
import type { Span } from "./span.ts";
import { type Trace, traceOf } from "./trace.ts";

/** A span with the trace it is of. */
export interface TracedSpan {
  readonly trace: Trace;
  readonly span: Span;
}

/** The spans that a stretch of the log has ended, those left out whose callers want no record. */
export async function readEndedSpans(pool: Pool, stretch: LogStretch): Promise<TracedSpan[]> {
  const rollouts = await readTracedRollouts(pool, stretch);
  const traced = rollouts.map((rollout) => ({ rollout, trace: traceOf(rollout) })).filter(({ trace }) => trace.sampled);
  if (traced.length === 0) return [];
  const outcomes = Map.groupBy(await readTracedOutcomes(pool, stretch), ({ rolloutId }) => rolloutId);
  return traced.flatMap(({ rollout, trace }) =>
    endedSpans(rollout, trace, outcomes.get(rollout.id) ?? [], stretch).map((span) => ({ trace, span })),
  );
}

function endedSpans(rollout: TracedRollout, trace: Trace, outcomes: readonly TracedOutcome[], stretch: LogStretch) {
  const ofCourse = courseSpans(rollout, trace).filter(({ endedBy }) => endedBy > stretch.after);
  return [...outcomes.map((outcome) => outcomeSpan(outcome, rollout, trace)), ...ofCourse.map(({ span }) => span)];
}
