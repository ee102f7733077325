import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Command } from "@commander-js/extra-typings";
import { describe, expect, test } from "vitest";
import { addOperatorCommands } from "../../src/cli/operator-commands.ts";
import {
  type RolloutEvent,
  RolloutEventType as Type,
  RolloutSchema,
  RolloutTargetStatus,
  SentinelRolloutState as State,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { IMAGE, pausedRollout, plan, record, ROLLOUT_ID } from "./recorded-rollout.ts";
import { recordingTerminal } from "./recording-terminal.ts";
import { type Script, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

const completedRollout = record([
  [0, Type.ROLLOUT_STARTED, { image: IMAGE, total: 0 }],
  [1, Type.ROLLOUT_COMPLETED, { state: State.COMPLETED }],
]);
const cancelledRollout = record([
  [0, Type.ROLLOUT_STARTED, { image: IMAGE, total: 3 }],
  [1, Type.ROLLOUT_CANCELLED, { state: State.CANCELLED }],
]);

async function hydra(url: string, args: string[], interrupted = new AbortController().signal) {
  const terminal = recordingTerminal();
  let exitCode: number | undefined;
  const program = new Command("hydra").exitOverride();
  addOperatorCommands(program, { terminal, url, token: undefined, interrupted, onExit: (code) => (exitCode = code) });
  await program.parseAsync(args, { from: "user" });
  return { exitCode, printed: terminal.printed, complaints: terminal.complaints };
}

/** A server whose calls make events happen; the streams see them when the call returns. */
async function startOperating(service: (script: Script, server: () => ScriptedServer) => Script["service"]) {
  const script: Script = { events: [] };
  script.service = service(script, () => server);
  const server: ScriptedServer = await startScriptedServer(script);
  return server;
}

function startScripted(events: readonly RolloutEvent[]): Promise<ScriptedServer> {
  return startOperating((script) => ({
    rollout() {
      script.events.push(...events);
      return { state: events.at(-1)?.state ?? State.UNSPECIFIED, rolloutId: ROLLOUT_ID };
    },
  }));
}

describe("hydra rollout", () => {
  test.each([
    ["completed", completedRollout, 0],
    ["paused", pausedRollout, 3],
    ["cancelled", cancelledRollout, 4],
  ] as const)("ends %s: every event is told, the exit code says it", async (_, events, exitCode) => {
    await using server = await startScripted(events);
    const result = await hydra(server.url, ["rollout", IMAGE, "--json"]);
    expect(result.exitCode).toBe(exitCode);
    const lines = result.printed.map((line) => JSON.parse(line));
    expect(lines.slice(0, -1).map(({ event }) => Number(event.sequence))).toEqual(
      events.map((_event, index) => index + 1),
    );
    expect(lines.at(-1)).toMatchObject({ rolloutId: ROLLOUT_ID });
  });

  test("refused: the server's words, what to do next, exit code 1", async () => {
    const rollout = () =>
      Promise.reject(new ConnectError("rollout already active in state PAUSED", Code.FailedPrecondition));
    await using server = await startScriptedServer({ events: [], service: { rollout } });
    const result = await hydra(server.url, ["rollout", IMAGE]);
    expect(result).toMatchObject({
      exitCode: 1,
      printed: [],
      complaints: ["rollout already active in state PAUSED. See where it stands: hydra status"],
    });
  });

  test("no server: exit code 5, and how to start one", async () => {
    const server = await startScriptedServer({ events: [] });
    await server[Symbol.asyncDispose]();
    const result = await hydra(server.url, ["rollout", IMAGE]);
    expect(result.exitCode).toBe(5);
    expect(result.complaints.join()).toContain(`no hydra at ${server.url}. Start one with \`hydra dev\``);
  });

  test("an answer that gets lost: the repeat carries the same idempotency key", async () => {
    const keys: (string | null)[] = [];
    await using server = await startOperating((script) => ({
      rollout(_request, context) {
        keys.push(context.requestHeader.get("idempotency-key"));
        if (keys.length === 1) throw new ConnectError("stopping", Code.Unavailable);
        script.events.push(...completedRollout);
        return { state: State.COMPLETED, rolloutId: ROLLOUT_ID };
      },
    }));
    expect((await hydra(server.url, ["rollout", IMAGE])).exitCode).toBe(0);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  test("--detach: exit code 0 as soon as it has started, though the call goes on", async () => {
    const hungUp = Promise.withResolvers<void>();
    await using server = await startOperating((script, started) => ({
      async rollout(_request, context) {
        context.signal.addEventListener("abort", () => hungUp.resolve());
        script.events.push(...pausedRollout.slice(0, 1));
        started().wake();
        await hungUp.promise;
        return {};
      },
    }));
    const result = await hydra(server.url, ["rollout", IMAGE, "--detach", "--json"]);
    expect(result.exitCode).toBe(0);
    expect(result.printed.map((line) => JSON.parse(line))).toEqual([
      { rolloutId: ROLLOUT_ID, state: "SENTINEL_ROLLOUT_STATE_IN_PROGRESS" },
    ]);
    await hungUp.promise;
  });

  test("Ctrl-C: says that the rollout goes on and how to cancel it, exit code 130", async () => {
    const interrupt = new AbortController();
    const rollout = () => {
      interrupt.abort();
      return new Promise<never>(() => {});
    };
    await using server = await startScriptedServer({ events: [], service: { rollout } });
    const result = await hydra(server.url, ["rollout", IMAGE], interrupt.signal);
    expect(result.exitCode).toBe(130);
    expect(result.complaints.join()).toMatch(/goes on in the server.*hydra cancel/);
  });
});

describe("hydra watch", () => {
  test("--until paused: ends there with exit code 3", async () => {
    await using server = await startScriptedServer({ events: pausedRollout });
    const result = await hydra(server.url, ["watch", "--after", "0", "--until", "paused"]);
    expect(result.exitCode).toBe(3);
    expect(result.printed.at(-1)).toMatch(/^ {4}26 {2}\d\d:\d\d:\d\d {2}rollout paused/);
  });

  test("a rollout that was cancelled: exit code 4", async () => {
    const rollout = create(RolloutSchema, { ...plan, state: State.CANCELLED });
    const snapshot = { sequence: 2n, rollout };
    await using server = await startScriptedServer({ events: cancelledRollout, snapshot, endsAfterEvents: true });
    expect((await hydra(server.url, ["watch"])).exitCode).toBe(4);
    expect((await hydra(server.url, ["watch", "--after", "2"])).exitCode).toBe(4);
  });
});

describe("hydra status", () => {
  test("a paused rollout: drawn with what failed, exit code 0", async () => {
    const rollout = create(RolloutSchema, { ...plan, state: State.PAUSED, failed: 1, currentWave: 0 });
    const service: Script["service"] = {
      getRollout: () => ({ rollout }),
      listRolloutTargets: ({ statuses }) => {
        expect(statuses).toEqual([RolloutTargetStatus.FAILED]);
        return { targets: [{ sentinelId: "snt_000010", reason: "the image cannot be pulled" }] };
      },
    };
    await using server = await startScriptedServer({ events: [], service });
    const result = await hydra(server.url, ["status"]);
    expect(result.exitCode).toBe(0);
    expect(result.printed.join("\n")).toMatch(/PAUSED[^]*snt_000010 {2}the image cannot be pulled/);
    const json = await hydra(server.url, ["status", "--json"]);
    expect(JSON.parse(json.printed.join("\n"))).toMatchObject({
      id: ROLLOUT_ID,
      state: "SENTINEL_ROLLOUT_STATE_PAUSED",
      ready: 0,
    });
  });
});

describe("hydra rollback", () => {
  const completed = record([
    [0, Type.ROLLBACK_STARTED, { state: State.ROLLING_BACK, total: 2 }],
    [1, Type.ROLLBACK_COMPLETED, { state: State.CANCELLED, reverted: 1 }],
  ]);

  test.each([
    ["all went back", [], 0],
    ["one did not", [{ sentinelId: "snt_000003", reason: "timed out" }], 1],
  ] as const)("%s: the exit code says it", async (_, targets, exitCode) => {
    await using server = await startOperating((script) => ({
      rollbackAll() {
        script.events.push(...completed);
        return { reverted: 1 };
      },
      listRolloutTargets: () => ({ targets: [...targets] }),
    }));
    const result = await hydra(server.url, ["rollback"]);
    expect(result.exitCode).toBe(exitCode);
    expect(result.printed.at(-1)).toBe("1 sentinel put back on the previous image.");
    expect(result.complaints.join()).toContain(targets[0]?.sentinelId ?? "");
  });
});
