import type { Canvas } from "./canvas.ts";
import { drawFailures } from "./draw-failures.ts";
import { drawHead } from "./draw-head.ts";
import { drawRollback } from "./draw-rollback.ts";
import { drawWaves } from "./draw-waves.ts";
import { eventSentence, eventTime, styledSentence } from "./event-sentence.ts";
import { showText } from "../fit-text.ts";
import { nextSteps } from "../next-steps.ts";
import { readyOf, type RolloutView } from "../view/rollout-view.ts";

const MAX_EVENTS_SHOWN = 5;
/** Of the waves: the heading, the current one, and the line that says that there are more. */
const MIN_WAVE_ROWS = 3;

/**
 * Draws one rollout: what it is, its waves, what failed and why, what can be done, what happened last. Pure.
 *
 * Where rows are few, what tells most is kept: the head and the current wave, then the rollback, what can be done,
 * what failed, the other waves, the last events.
 */
export function drawRollout(view: RolloutView, canvas: Canvas): string[] {
  if (view.rolloutId === "")
    return [showText("No rollout yet. Start one: hydra rollout IMAGE", canvas.columns, canvas.style)];
  const head = drawHead(view, canvas);
  let room = canvas.rows - head.length - 1 - MIN_WAVE_ROWS;
  if (room < 0) return tinyPicture(head, view, canvas);
  const ifRoom = (lines: string[]): string[] => {
    if (lines.length > room) return [];
    room -= lines.length;
    return lines;
  };
  const rollback = ifRoom(drawRollback(view, canvas));
  const next = ifRoom(nextLines(view, canvas));
  const failures = ifRoom(drawFailures(view, canvas, room));
  // A rollout that is over without one had nobody to visit.
  const waves =
    view.waves.length === 0 && view.endedAt !== undefined ? [] : drawWaves(view.waves, canvas, room + MIN_WAVE_ROWS);
  room -= Math.max(0, waves.length - MIN_WAVE_ROWS);
  return [...head, "", ...waves, ...rollback, ...failures, ...next, ...eventLines(view, canvas, room)];
}

/** The state and the current wave, without a heading. */
function tinyPicture(head: readonly string[], view: RolloutView, canvas: Canvas): string[] {
  const [, wave] = drawWaves(view.waves, canvas, 2);
  const [title = "", state = "", ...rest] = head;
  const lines = [state, ...(wave === undefined ? [] : [wave]), ...rest];
  return canvas.rows > lines.length ? [title, ...lines] : lines.slice(0, Math.max(1, canvas.rows));
}

function nextLines(view: RolloutView, { columns, style, hints = false }: Canvas): string[] {
  const steps = hints ? nextSteps(view.state, readyOf(view) > 0) : [];
  if (steps.length === 0) return [];
  return ["", style.colors.bold("next"), ...steps.map((step) => showText(step, columns, style))];
}

function eventLines(view: RolloutView, { columns, style }: Canvas, room: number): string[] {
  const shown = view.recent.slice(-Math.max(0, Math.min(MAX_EVENTS_SHOWN, room - 2)));
  if (room < 3 || shown.length === 0) return [];
  const lines = shown.map((event) => {
    const words = showText(eventSentence(event), columns - 12, style);
    return `  ${style.colors.dim(eventTime(event))}  ${styledSentence(event, style, words)}`;
  });
  return ["", style.colors.bold("last"), ...lines];
}
