import { afterEach, describe, expect, test } from "vitest";
import { createHydraClient, type WatchResponse } from "../../src/client/index.ts";
import { LiveDisplay } from "../../src/cli/drawing/live-display.ts";
import type { RolloutEvent } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { pausedRollout, plan } from "./recorded-rollout.ts";
import { startScriptedServer } from "./scripted-server.ts";
import { createVirtualTerminal, type VirtualTerminal } from "./virtual-terminal.ts";

const SHOW_CURSOR = "\u001b[?25h";

const scope: AsyncDisposable[] = [];

afterEach(async () => {
  for (const it of scope.splice(0).toReversed()) await it[Symbol.asyncDispose]();
});

function responseOf(value: RolloutEvent): WatchResponse {
  return { $typeName: "hydra.v1.WatchResponse", message: { case: "event", value } };
}

async function start(terminal: VirtualTerminal, hints = false): Promise<LiveDisplay> {
  const server = await startScriptedServer({ events: [], snapshot: { sequence: 0n, rollout: plan } });
  const display = new LiveDisplay(createHydraClient({ baseUrl: server.url }), terminal, hints);
  scope.push(server, { [Symbol.asyncDispose]: async () => display.end() });
  return display;
}

function show(display: LiveDisplay, events: readonly RolloutEvent[]): void {
  for (const event of events) display.show(responseOf(event));
}

describe("LiveDisplay", () => {
  test("nothing to show yet: nothing is written, not even at the end", async () => {
    const terminal = createVirtualTerminal({ columns: 80, rows: 24 });
    (await start(terminal)).end();
    expect(terminal.written()).toBe("");
  });

  test("events: drawn with the waves to come, which the server is asked for", async () => {
    const terminal = createVirtualTerminal({ columns: 80, rows: 30 });
    const display = await start(terminal);
    show(display, pausedRollout);
    await eventually(async () => expect((await terminal.screen()).join("\n")).toMatch(/ 3 {2}100% {2}░+ {3}0\/10/));
    display.end();
    expect((await terminal.screen()).join("\n")).toMatch(/^ghcr[^]*PAUSED[^]*rollout paused/);
  });

  test("thousands of events at once: a handful of pictures", async () => {
    const terminal = createVirtualTerminal({ columns: 80, rows: 30 });
    const display = await start(terminal);
    const first = pausedRollout[4]!;
    const many = Array.from({ length: 20_000 }, (_, n) => ({ ...first, sequence: first.sequence + BigInt(n + 1) }));
    show(display, [...pausedRollout.slice(0, 4), ...many]);
    display.end();
    expect(terminal.written().split("\u001b[?2026h").length).toBeLessThan(20);
  });

  test("the terminal changes its size: drawn again in the new one", async () => {
    const terminal = createVirtualTerminal({ columns: 120, rows: 40 });
    const display = await start(terminal);
    show(display, pausedRollout);
    // The plan is there: nothing else will make it draw.
    await eventually(async () => expect((await terminal.screen()).join("\n")).toContain("0/10"));
    await terminal.resize(60, 20);
    await eventually(async () => {
      const screen = await terminal.screen();
      expect(screen.join("\n").match(/wave {2}upto/g)).toHaveLength(1);
      for (const line of screen) expect(line.length).toBeLessThan(60);
    });
  });

  test("a note: above the picture, and it stays there", async () => {
    const terminal = createVirtualTerminal({ columns: 80, rows: 30 });
    const display = await start(terminal);
    show(display, pausedRollout.slice(0, 9));
    display.note("the server is killed now");
    show(display, pausedRollout.slice(9));
    display.end();
    const screen = await terminal.screen();
    expect(screen[0]).toBe("the server is killed now");
    expect(screen.join("\n").match(/rol_0a1b2c3d4e5f/g)).toHaveLength(1);
  });

  test("the server is away: says so below the picture, and no more once it is back", async () => {
    const terminal = createVirtualTerminal({ columns: 80, rows: 30 });
    const display = await start(terminal);
    show(display, pausedRollout);
    display.away(12_000);
    await eventually(async () =>
      expect((await terminal.screen()).at(-1)).toMatch(/^no answer from the server for 12s/),
    );
    display.away(undefined);
    await eventually(async () => expect((await terminal.screen()).at(-1)).toContain("rollout paused"));
  });

  test("paused, with hints: what can be done next; the cursor is shown again at the end", async () => {
    const terminal = createVirtualTerminal({ columns: 80, rows: 30 });
    const display = await start(terminal, true);
    show(display, pausedRollout);
    display.end();
    display.end();
    expect((await terminal.screen()).join("\n")).toContain("hydra resume");
    expect(terminal.written().endsWith(SHOW_CURSOR)).toBe(true);
  });
});
