import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { drawRollout } from "../../src/cli/drawing/draw-rollout.ts";
import { emptyView, MAX_FAILURES, type RolloutView, withPlan } from "../../src/cli/view/rollout-view.ts";
import { createStyle } from "../../src/cli/terminal.ts";
import { SentinelRolloutState as State } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { NOON, pausedRollout, plan, viewAfter } from "./recorded-rollout.ts";

const unicode = createStyle({ color: false, unicode: true });
const ascii = createStyle({ color: false, unicode: false });
const paused = withPlan(viewAfter(pausedRollout), plan);

function draw(view: RolloutView, { columns = 80, rows = 30, style = unicode, hints = false } = {}): string[] {
  return drawRollout(view, { columns, rows, now: NOON + 5_400, style, hints });
}

function withWaves(count: number, reached: number, size = 10): RolloutView {
  const waves = Array.from({ length: count }, (_, index) => ({
    ...paused.waves[2]!,
    index,
    percentage: index + 1,
    size,
    ready: index < reached ? size : 0,
    startedAt: index <= reached ? NOON : undefined,
    completedAt: index < reached ? NOON + 100 : undefined,
  }));
  return { ...paused, state: State.IN_PROGRESS, reason: "", failures: [], total: count * size, waves };
}

function withFailures(count: number, reasons: readonly string[]): RolloutView {
  const failures = Array.from({ length: Math.min(count, MAX_FAILURES) }, (_, index) => ({
    sentinelId: `snt_${index}`,
    reason: reasons[index % reasons.length] ?? "",
    reasonClass: "",
  }));
  const waves = paused.waves.map((wave, index) => (index === 1 ? { ...wave, size: count + 7, failed: count } : wave));
  return { ...paused, failures, waves };
}

/** Text that terminals act on, or draw in a width of its own. */
const ugly = fc
  .array(
    fc.constantFrom(
      "plain ",
      "日本語",
      "🚀",
      "👨‍👩‍👧",
      "\u001b[2J",
      "\u001b]0;title\u0007",
      "\r\n",
      "\t",
      "é",
      "\u202e",
      "\0",
      "x".repeat(99),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

describe("drawRollout()", () => {
  test("a terminal without UTF-8: nothing but ASCII, whatever the server says", () => {
    const view = { ...paused, image: "registry/日本:v1", reason: "naïve — 🚀" };
    const text = draw(view, { style: ascii, hints: true }).join("\n");
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text).toContain("##xx");
  });

  test("any size, any moment, any text: it fits, and nothing reaches the terminal but text", () => {
    const sizes = fc.record({ columns: fc.integer({ min: 59, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: pausedRollout.length }), ugly, ugly, (size, events, text, id) => {
        const view = withPlan(viewAfter(pausedRollout.slice(0, events)), plan);
        const failures = [{ sentinelId: id, reason: text, reasonClass: "" }];
        const recent = view.recent.map((event) => ({ ...event, reason: text, sentinelId: id }));
        const odd = { ...view, image: text, reason: text, failures, recent, rolloutId: `r${id}` };
        const lines = draw(odd, { ...size, hints: true });
        expect(lines.length).toBeLessThanOrEqual(size.rows);
        for (const line of lines) {
          expect(stringWidth(line)).toBeLessThanOrEqual(size.columns);
          expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
        }
      }),
    );
  });

  test("few rows: the state and the current wave stay to the last", () => {
    const shown = Array.from({ length: 9 }, (_, index) => draw(paused, { rows: index + 2, hints: true }).join("\n"));
    for (const text of shown) {
      expect(text).toContain("PAUSED");
      expect(text).toContain("50%");
    }
  });

  test("room for it: what an operator can do next, before what happened last", () => {
    const text = draw(paused, { rows: 20, hints: true }).join("\n");
    expect(text).toMatch(/hydra resume {6}go on[^]*hydra cancel[^]*hydra rollback/);
    expect(draw(paused, { rows: 20 }).join("\n")).not.toContain("hydra resume");
  });

  test("cancelled with nothing on the new image: no rollback is offered", () => {
    const waves = paused.waves.map((wave) => ({ ...wave, ready: 0 }));
    const text = draw({ ...paused, state: State.CANCELLED, waves }, { hints: true }).join("\n");
    expect(text).not.toContain("hydra rollback");
  });

  test("five failures: each with its reason; more: folded by reason, the most frequent first", () => {
    const five = draw(withFailures(5, ["no image", "crash"])).join("\n");
    expect(five.match(/^ {2}snt_\d {2}(no image|crash)$/gm)).toHaveLength(5);
    const many = draw(withFailures(30, ["no image", "no image", "crash"])).join("\n");
    expect(many).toMatch(/failed: 30\n {2}20 {2}no image {2}snt_0 snt_1 [^\n]*\n {2}10 {2}crash {2}snt_2 /);
  });

  test("failures with ids of different lengths: their reasons stand in one column", () => {
    const failures = ["a", "snt_000050"].map((sentinelId) => ({ sentinelId, reason: "no image", reasonClass: "" }));
    expect(draw({ ...paused, failures }).join("\n")).toContain("  a           no image\n  snt_000050  no image");
  });

  test("more failures than are known one by one: the rest is counted", () => {
    const text = draw(withFailures(50_000, ["no image"])).join("\n");
    expect(text).toContain("failed: 50,000");
    expect(text).toContain("and 49,800 others; all of them: hydra status --failed");
  });

  test("a hundred waves: those around the current one are shown", () => {
    const lines = draw(withWaves(100, 45), { rows: 20 });
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.some((line) => line.startsWith("  46  "))).toBe(true);
    expect(lines.join("\n")).toMatch(/waves \d+ to \d+ of 100/);
  });

  test("100,000 sentinels: counts with separators, the bars where they belong", () => {
    const text = draw(withWaves(5, 2, 20_000), { columns: 60 }).join("\n");
    expect(text).toContain("40,000 of 100,000 ready");
    expect(text).toContain("20,000/20,000");
  });

  test("no sentinel at all: completed, and no wave", () => {
    const view = {
      ...emptyView(),
      rolloutId: "rol_1",
      image: "a/b:c",
      state: State.COMPLETED,
      startedAt: NOON,
      endedAt: NOON,
    };
    expect(draw(view).slice(0, 2)).toEqual(["a/b:c  rol_1", "COMPLETED  0 of 0 ready · took 0.0s"]);
    expect(draw(view).join("\n")).not.toContain("listing");
  });

  test("no rollout ever: says how to start one", () => {
    expect(draw(emptyView())).toEqual(["No rollout yet. Start one: hydra rollout IMAGE"]);
  });
});
