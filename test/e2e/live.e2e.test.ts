import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createHydraClient, SentinelRolloutState as State } from "../../src/client/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { type HydraProcess, startHydraProcess, urlOf } from "./hydra-process.ts";
import { hasTmux, openTmuxPane, type TmuxPane } from "./tmux-pane.ts";

// The live view as an operator has it: a real terminal, `hydra dev`, real rollouts.

refuseLeaks();

let scope: AsyncDisposableStack;
let directory: string;
let dev: HydraProcess;
let url: string;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const data = scope.use(await createTemporaryDirectory());
  directory = scope.use(await createTemporaryDirectory()).path;
  const fleet = ["--sentinels", "40", "--converge", "1s-2s", "--fail", "snt_000040=image_pull"];
  dev = scope.use(startHydraProcess(["dev", "--port", "0", "--data-dir", data.path, ...fleet]));
  url = await urlOf(dev);
});

afterAll(async () => {
  dev.kill("SIGTERM");
  const exit = await dev.exited;
  await scope.disposeAsync();
  if (exit !== 0) throw new Error(`hydra dev ended with ${exit}`);
});

function rollOut(image: string, env: Record<string, string> = {}): Promise<TmuxPane> {
  const args = ["rollout", image, "--waves", "25,50,75,100", "--url", url];
  return openTmuxPane(args, { directory, columns: 80, rows: 24, env });
}

async function stateNow(): Promise<State | undefined> {
  return (await createHydraClient({ baseUrl: url }).rollouts.getRollout({})).rollout?.state;
}

// The next rollout can begin.
afterEach(async () => {
  const state = await stateNow();
  if (state === State.IN_PROGRESS || state === State.PAUSED)
    await createHydraClient({ baseUrl: url }).rollouts.cancel({});
});

async function isRunning(pid: number): Promise<boolean> {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Everything of a picture is there once: nothing of an older one is left. */
function expectOnePicture(screen: string, columns: number): void {
  expect(screen.match(/wave  upto/g)).toHaveLength(1);
  expect(screen.match(/wave \d of 4 · /g)).toHaveLength(1);
  const bars = screen.match(/^ +\d +\d+% {2}[█▒░×]+/gm) ?? [];
  expect(bars.length).toBeGreaterThan(0);
  expect(new Set(bars.map((bar) => bar.length)).size).toBe(1);
  for (const line of screen.split("\n")) expect(line.length).toBeLessThan(columns);
}

// One rollout at a time: these run one after the other.
describe.skipIf(!hasTmux)("a rollout in a terminal (skipped where tmux is not installed)", () => {
  test("its size changes while it runs: one picture in each size; the end with what to do next, exit code 3", async () => {
    await using pane = await rollOut("acme/sentinel:resized");
    await eventually(async () => expectOnePicture(await pane.screen(), 80), { timeoutMs: 30_000 });
    for (const [columns, rows] of [
      [120, 40],
      [60, 15],
      [200, 12],
      [100, 30],
    ] as const) {
      await pane.resize(columns, rows);
      await eventually(async () => {
        const screen = await pane.screen();
        expectOnePicture(screen, columns);
        const bar = /^ +1 +25% {2}(█+)/m.exec(screen)?.[1]?.length ?? 0;
        expect(bar).toBe(Math.min(100, columns - 35));
      });
    }
    await eventually(async () => expect(await pane.screen()).toContain("exit code 3"), { timeoutMs: 30_000 });
    const screen = await pane.screen();
    expect(screen).toMatch(
      /PAUSED[^]*snt_000040[^]*image cannot be pulled[^]*hydra resume[^]*hydra rollback[^]*exit code 3$/,
    );
    expect(screen.match(/PAUSED/g)).toHaveLength(1);
    expect(await pane.showsCursor()).toBe(true);
  });

  test("Ctrl-C: says that it goes on and how to end it, exit code 130; it goes on", async () => {
    await using pane = await rollOut("acme/sentinel:interrupted");
    await eventually(async () => expect(await pane.screen()).toMatch(/wave \d of 4/), { timeoutMs: 30_000 });
    await pane.press("C-c");
    await eventually(async () => expect(await pane.screen()).toContain("exit code 130"));
    expect(await pane.screen()).toMatch(
      /goes on in the server\. See it: hydra watch; end it: hydra cancel\nexit code 130$/,
    );
    expect(await pane.showsCursor()).toBe(true);
    expect(await stateNow()).toBe(State.IN_PROGRESS);
  });

  test("SIGTERM: the cursor is shown again, exit code 143", async () => {
    await using pane = await rollOut("acme/sentinel:terminated");
    await eventually(async () => expect(await pane.screen()).toMatch(/wave \d of 4/), { timeoutMs: 30_000 });
    expect(await pane.showsCursor()).toBe(false);
    process.kill(await pane.pid(), "SIGTERM");
    await eventually(async () => expect(await pane.screen()).toContain("exit code 143"));
    expect(await pane.showsCursor()).toBe(true);
  });

  test("the terminal goes away: so does the command; the rollout goes on", async () => {
    await using pane = await rollOut("acme/sentinel:closed");
    await eventually(async () => expect(await pane.screen()).toMatch(/wave \d of 4/), { timeoutMs: 30_000 });
    const pid = await pane.pid();
    await pane.close();
    await eventually(async () => expect(await isRunning(pid)).toBe(false));
    expect(await stateNow()).toBe(State.IN_PROGRESS);
  });

  test("the server stays away: a line below the picture says so, and is gone when it answers again", async () => {
    let proxy = await startCuttingProxy(url);
    const port = Number(new URL(proxy.url).port);
    await using pane = await openTmuxPane(["watch", "--all", "--url", proxy.url], { directory, columns: 80, rows: 24 });
    await eventually(async () => expect(await pane.screen()).toContain("CANCELLED"), { timeoutMs: 30_000 });
    await proxy[Symbol.asyncDispose]();
    await eventually(async () => expect(await pane.screen()).toContain("no answer from the server for"));
    proxy = await startCuttingProxy(url, port);
    await eventually(async () => expect(await pane.screen()).not.toContain("no answer"));
    await pane.press("C-c");
    await eventually(async () => expect(await pane.screen()).toContain("exit code 130"));
    await proxy[Symbol.asyncDispose]();
  });
});
