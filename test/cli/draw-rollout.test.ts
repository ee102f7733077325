import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { drawRollout } from "../../src/cli/draw-rollout.ts";
import { emptyView, withPlan } from "../../src/cli/rollout-view.ts";
import { createStyle } from "../../src/cli/terminal.ts";
import { NOON, pausedRollout, plan, viewAfter } from "./recorded-rollout.ts";

const unicode = createStyle({ color: false, unicode: true });
const ascii = createStyle({ color: false, unicode: false });

function draw(events: number, columns: number, { style = unicode, rows = 30 } = {}): string[] {
  const view = withPlan(viewAfter(pausedRollout.slice(0, events)), plan);
  return drawRollout(view, { columns, rows, now: NOON + 5_400, style });
}

/** A picture with its times of day blanked: they are local ones. */
function picture(lines: readonly string[]): string {
  return `${lines.join("\n").replace(/\d\d:\d\d:\d\d/g, "hh:mm:ss")}\n`;
}

describe("drawRollout()", () => {
  test.each([60, 80, 120])("a rollout in mid-wave and a paused one, %i columns wide: as on record", async (columns) => {
    await expect(picture(draw(18, columns))).toMatchFileSnapshot(`golden/in-progress-${columns}.txt`);
    await expect(picture(draw(pausedRollout.length, columns))).toMatchFileSnapshot(`golden/paused-${columns}.txt`);
  });

  test("a terminal without UTF-8: nothing but ASCII", () => {
    const text = draw(pausedRollout.length, 80, { style: ascii }).join("\n");
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text).toContain("##xx");
  });

  test("any width from 60 to 200, any number of events: no line is wider than the terminal", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 200 }),
        fc.integer({ min: 0, max: pausedRollout.length }),
        fc.boolean(),
        (columns, events, color) => {
          const style = createStyle({ color, unicode: true });
          for (const line of draw(events, columns, { style })) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test("a low terminal: the picture fits, the waves and the failure stay", () => {
    const lines = draw(pausedRollout.length, 80, { rows: 12 });
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines.join("\n")).toContain("snt_000010");
    expect(lines.join("\n")).not.toContain("last");
  });

  test("more waves than lines: those around the current one are shown", () => {
    const waves = plan.waves.flatMap((wave) =>
      Array.from({ length: 30 }, (_, n) => ({ ...wave, index: wave.index * 30 + n })),
    );
    const view = withPlan(viewAfter(pausedRollout.slice(0, 1)), { ...plan, waves });
    const started = view.waves.map((wave) => (wave.index <= 45 ? { ...wave, startedAt: NOON } : wave));
    const lines = drawRollout({ ...view, waves: started }, { columns: 80, rows: 20, now: NOON, style: unicode });
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.some((line) => line.startsWith("  46  "))).toBe(true);
    expect(lines.join("\n")).toMatch(/waves \d+ to \d+ of 90/);
  });

  test("no rollout ever: says how to start one", () => {
    const lines = drawRollout(emptyView(), { columns: 80, rows: 24, now: NOON, style: unicode });
    expect(lines).toEqual(["No rollout yet. Start one: hydra rollout IMAGE"]);
  });

  test("a reason with control characters: they do not reach the terminal", () => {
    const view = {
      ...withPlan(viewAfter(pausedRollout), plan),
      failures: [{ sentinelId: "snt_000010", reason: "a\u001b[2Jb\nc" }],
    };
    const text = drawRollout(view, { columns: 80, rows: 30, now: NOON, style: unicode }).join("");
    expect(text).not.toMatch(/\p{Cc}/u);
    expect(text).toContain("a [2Jb c");
  });
});
