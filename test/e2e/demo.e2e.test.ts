import { createServer } from "node:net";
import os from "node:os";
import { describe, expect, test } from "vitest";
import { follow } from "../../src/cli/watching/follow.ts";
import { DEMO_COMMANDS, DEMO_FAILURES, DEMO_FLEET, DEMO_IMAGE, DEMO_KILL } from "../../src/cli/demo/story.ts";
import {
  createHydraClient,
  type HydraClient,
  type RolloutEvent,
  RolloutEventType as Type,
} from "../../src/client/index.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { eventually } from "../support/eventually.ts";
import { type HydraProcess, runHydra, startHydraProcess } from "./hydra-process.ts";

refuseLeaks();

/** A story takes half a minute, and several of them share a machine. */
const PATIENCE = { timeoutMs: 120_000 };

describe.concurrent("hydra demo", { timeout: 240_000 }, () => {
  test("watched from outside: the server dies in mid-wave, no event is missing, nothing is deployed twice", async () => {
    await using demo = startHydraProcess(["demo"]);
    const client = createHydraClient({ baseUrl: await addressIn(demo) });
    const [events, seenBeforeKill] = await Promise.all([watchToTheEnd(client), watchOnceUntilCut(client)]);
    expect(await demo.exited).toBe(0);

    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => BigInt(index + 1)));
    const deployed = events.filter(({ type }) => type === Type.SENTINEL_DEPLOYING).map(({ sentinelId }) => sentinelId);
    expect(deployed.toSorted()).toEqual(DEMO_FLEET.map(({ id }) => id));

    const lastSeen = seenBeforeKill.at(-1)?.sequence ?? 0n;
    const outcomes = events.filter(
      ({ type, waveIndex }) => waveIndex === DEMO_KILL.waveIndex && type === Type.SENTINEL_READY,
    );
    expect(outcomes.filter(({ sequence }) => sequence <= lastSeen).length).toBeGreaterThanOrEqual(DEMO_KILL.ready);
    expect(outcomes.filter(({ sequence }) => sequence > lastSeen).length).toBeGreaterThan(0);

    const taken = DEMO_FLEET.filter(({ id }) => !DEMO_FAILURES.has(id));
    const reverted = events.filter(({ type }) => type === Type.SENTINEL_REVERTED);
    expect(new Map(reverted.map(({ sentinelId, image }) => [sentinelId, image]))).toEqual(
      new Map(taken.map(({ id, image }) => [id, image])),
    );
  });

  test("piped: the whole story in order, with what the server says; exit code 0", async () => {
    const { exit, stdout, stderr } = await runHydra(["demo"]);
    expect({ exit, complaints: complaintsIn(stderr) }).toEqual({ exit: 0, complaints: [] });
    const story = [
      /v1\.9\.0 +40\n.*v1\.8\.3 +20\n/,
      `All 60 get ${DEMO_IMAGE}`,
      `$ ${DEMO_COMMANDS[0]}`,
      /snt_000008 failed: the image cannot be pulled/,
      /rollout paused/,
      `$ ${DEMO_COMMANDS[1]}`,
      /rollout resumed/,
      /kill -9 \d+, with \d+ of 18 sentinels of wave 3 ready:/,
      /Started again \(process \d+\)/,
      /wave 3 completed: 18 of 18 ready/,
      /snt_000047 failed: the container crashes/,
      /rollout paused/,
      /events 1 to \d+, none missing, none twice/,
      /\d+ outcomes before the kill, \d+ after it/,
      /60 sentinels deployed, each once: generation \+ 1/,
      `$ ${DEMO_COMMANDS[2]}`,
      /rollback completed: 58 sentinels reverted/,
      /Each of the 60 runs the image that it ran at the start:/,
      /v2\.0\.0 +0 +58 +0\n.*v1\.9\.0 +40 +2 +40\n.*v1\.8\.3 +20 +0 +20\n/,
      "Your turn:",
    ];
    expectInOrder(stdout, story);
  });

  test.each([
    ["while the server starts", "Starting a server"],
    ["in a wave", "wave 1 started"],
    ["while the server is dead", "kill -9"],
    ["after its second start", "Started again"],
    ["while all goes back", "rollback started"],
  ])("Ctrl-C %s: ends with 130, and says that nothing is left", async (_when, line) => {
    await using demo = startHydraProcess(["demo"]);
    await eventually(() => expect(demo.stdout()).toContain(line), PATIENCE);
    demo.kill("SIGINT");
    expect(await demo.exited).toBe(130);
    expect(complaintsIn(demo.stderr())).toEqual(["The demo was stopped. Nothing of it is left."]);
  });

  test("Ctrl-C twice: ends at once, and leaves nothing either", async () => {
    await using demo = startHydraProcess(["demo"]);
    await eventually(() => expect(demo.stdout()).toContain("wave 1 started"), PATIENCE);
    demo.kill("SIGINT");
    demo.kill("SIGTERM");
    expect([130, 143]).toContain(await demo.exited);
  });

  test("its server ends by itself: says so, exit code 1", async () => {
    await using demo = startHydraProcess(["demo"]);
    const [, pid] = await eventually(() => found(/Started again \(process (\d+)\)/.exec(demo.stdout())), PATIENCE);
    process.kill(Number(pid), "SIGKILL");
    expect(await demo.exited).toBe(1);
    expect(complaintsIn(demo.stderr())).toEqual(["the demo's server has ended by itself."]);
  });

  test("its port is taken when the server starts again, and stays so: says which, exit code 1", async () => {
    await using demo = startHydraProcess(["demo"]);
    const port = Number(new URL(await addressIn(demo)).port);
    await eventually(() => expect(demo.stdout()).toContain("kill -9"), PATIENCE);
    const other = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
    expect(await demo.exited).toBe(1);
    expect(demo.stderr()).toMatch(new RegExp(`the server did not start:\\n.*port ${port} on 127.0.0.1 is in use`));
    other.close();
  });

  test("a directory for temporary files that does not exist: says so, exit code 1", async () => {
    const { exit, stderr } = await runHydra(["demo"], { TMPDIR: `${os.tmpdir()}/missing` });
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^there is no room for the demo's data: ENOENT.*Set TMPDIR/);
  });

  test("settings of the caller's own servers, and a port that is taken: the demo looks at neither", async () => {
    await using demo = startHydraProcess(["demo"], {
      DATABASE_URL: "postgres://nobody@127.0.0.1:1/none",
      HYDRA_URL: "http://127.0.0.1:1",
      HYDRA_TOKEN: "of-another-server",
      HYDRA_PORT: "1",
    });
    await eventually(() => expect(demo.stdout()).toContain("wave 1 completed"), PATIENCE);
    demo.kill("SIGINT");
    expect(await demo.exited).toBe(130);
  });
});

async function addressIn(demo: HydraProcess): Promise<string> {
  const [, url = ""] = await eventually(() => found(/its server: (http:\/\/\S+)\n/.exec(demo.stdout())), PATIENCE);
  return url;
}

function found(match: RegExpExecArray | null): RegExpExecArray {
  if (match === null) throw new Error("not printed yet");
  return match;
}

/** What is said of a server that is away for long is no complaint: it was killed. */
function complaintsIn(stderr: string): string[] {
  return stderr.split("\n").filter((line) => line !== "" && !/^the server (does not answer|answers again)/.test(line));
}

/** Every event up to the end of the rollback, across the kill. */
async function watchToTheEnd(client: HydraClient): Promise<RolloutEvent[]> {
  const events: RolloutEvent[] = [];
  for await (const { message } of follow(client, { afterSequence: 0n, signal: AbortSignal.timeout(200_000) })) {
    if (message.case !== "event") continue;
    events.push(message.value);
    if (message.value.type === Type.ROLLBACK_COMPLETED) break;
  }
  return events;
}

/** What one connection tells until it breaks. */
async function watchOnceUntilCut(client: HydraClient): Promise<RolloutEvent[]> {
  const events: RolloutEvent[] = [];
  try {
    for await (const { message } of client.rollouts.watch({ afterSequence: 0n })) {
      if (message.case === "event") events.push(message.value);
    }
  } catch {
    // Its server is dead.
  }
  return events;
}

function expectInOrder(text: string, chapters: readonly (string | RegExp)[]): void {
  let rest = text;
  for (const chapter of chapters) {
    const place = typeof chapter === "string" ? rest.indexOf(chapter) : rest.search(chapter);
    expect(place, `${String(chapter)} in:\n${rest}`).toBeGreaterThanOrEqual(0);
    rest = rest.slice(place + 1);
  }
}
