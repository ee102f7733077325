import { describe, expect, test } from "vitest";
import { drawRollout } from "../../src/cli/drawing/draw-rollout.ts";
import { Painter } from "../../src/cli/drawing/painter.ts";
import { PlainDisplay } from "../../src/cli/drawing/plain-display.ts";
import { emptyView, type RolloutView, withPlan } from "../../src/cli/view/rollout-view.ts";
import { applyEvent } from "../../src/cli/view/view-events.ts";
import { type RolloutEvent, RolloutEventType as Type } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { recordingTerminal } from "./recording-terminal.ts";
import { planOf, readRecording, timeOf, upTo } from "./recording.ts";
import { createVirtualTerminal } from "./virtual-terminal.ts";

// What an operator sees of two recorded rollouts. After a change of the picture: `vitest run -u`, then read the diff.

const events = readRecording();
const second = upTo(events, Type.ROLLOUT_STARTED, 2) - 1;

const MOMENTS: Record<string, number> = {
  starting: upTo(events, Type.ROLLOUT_STARTED),
  "in the second wave": upTo(events, Type.WAVE_STARTED, 2) + 18,
  "a failure": upTo(events, Type.SENTINEL_FAILED),
  "eight failures": upTo(events, Type.SENTINEL_FAILED, 8),
  paused: upTo(events, Type.ROLLOUT_PAUSED),
  resumed: upTo(events, Type.ROLLOUT_RESUMED) + 20,
  completed: upTo(events, Type.ROLLOUT_COMPLETED),
  "paused again": upTo(events, Type.ROLLOUT_PAUSED, 1, second),
  "rolling back": upTo(events, Type.ROLLBACK_STARTED) + 30,
  "rolled back": events.length,
};

/** The plan is known from the first wave on, as in a live display. */
function viewAfter(some: readonly RolloutEvent[]): RolloutView {
  return some.reduce((view, event) => {
    const next = applyEvent(view, event);
    return event.type === Type.WAVE_STARTED ? withPlan(next, planOf(event)) : next;
  }, emptyView());
}

/** Times of day are local ones. */
function withoutTimes(text: string): string {
  return text.replace(/\d\d:\d\d:\d\d/g, "hh:mm:ss");
}

/** The screens at all moments, drawn one over the other as in a terminal. */
async function screens(columns: number, rows: number, unicode: boolean): Promise<string> {
  const terminal = createVirtualTerminal({ columns, rows, unicode });
  const painter = new Painter((text) => terminal.write(text));
  const parts: string[] = [];
  for (const [moment, count] of Object.entries(MOMENTS)) {
    const now = timeOf(events[count - 1]) + 300;
    const canvas = { columns: columns - 1, rows: rows - 1, now, style: terminal.style, hints: true };
    painter.paint(drawRollout(viewAfter(events.slice(0, count)), canvas), terminal.size());
    parts.push(`== ${moment}\n\n${(await terminal.screen()).join("\n")}\n`);
  }
  return withoutTimes(parts.join("\n"));
}

describe("two recorded rollouts", () => {
  test.each([60, 100, 160])("in a terminal of %i columns: as on record", async (columns) => {
    await expect(await screens(columns, 30, true)).toMatchFileSnapshot(`golden/live-${columns}.txt`);
  });

  test("in a low terminal without UTF-8: as on record", async () => {
    await expect(await screens(80, 16, false)).toMatchFileSnapshot("golden/live-80-ascii-16-rows.txt");
  });

  test("piped: as on record", async () => {
    const terminal = recordingTerminal();
    const display = new PlainDisplay(terminal);
    for (const value of events)
      display.show({ $typeName: "hydra.v1.WatchResponse", message: { case: "event", value } });
    await expect(withoutTimes(`${terminal.printed.join("\n")}\n`)).toMatchFileSnapshot("golden/plain.txt");
  });
});
