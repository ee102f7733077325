import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { SentinelDeployStatus } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { RolloutTargetStatus } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { hydra } from "./hydra-in-process.ts";
import { recordedInvocations, recordedRollouts, sentinelsOf } from "./recorded-fleet.ts";
import { type Script, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

function start(script: Partial<Script>): Promise<ScriptedServer> {
  return startScriptedServer({ events: [], ...script });
}

/** A fleet behind pages, and what was asked for. */
function fleet(count: number) {
  const all = sentinelsOf(count);
  const asked: { pageSize: number; pageToken: string; regionId: string; deployStatuses: SentinelDeployStatus[] }[] = [];
  const script: Partial<Script> = {
    sentinels: {
      listSentinels({ pageSize, pageToken, regionId, deployStatuses }) {
        asked.push({ pageSize, pageToken, regionId, deployStatuses });
        const from = Number(pageToken || 0);
        const to = from + pageSize;
        return { sentinels: all.slice(from, to), nextPageToken: to < count ? `${to}` : "" };
      },
    },
  };
  return { script, asked };
}

const everything: Partial<Script> = {
  service: {
    listRollouts: () => ({ rollouts: [...recordedRollouts] }),
    listRolloutTargets: () => ({
      targets: [
        { sentinelId: "snt_000042", waveIndex: 1, reason: "the image cannot be pulled: not found in its registry" },
        { sentinelId: "snt_000043", waveIndex: 2, reason: "timed out" },
      ],
    }),
  },
  sentinels: { listSentinels: () => ({ sentinels: sentinelsOf(4) }) },
  engine: { listInvocations: () => ({ invocations: [...recordedInvocations] }) },
};
const LISTINGS = [["history"], ["sentinels", "list"], ["invocations", "list"], ["status", "--failed"]];

describe("a listing on a terminal", () => {
  test.each([60, 100, 200])("%i columns: an aligned table that fits", async (columns) => {
    await using server = await start(everything);
    const lines: string[] = [];
    for (const command of LISTINGS) {
      const { exitCode, printed } = await hydra(server.url, command, { columns });
      expect(exitCode).toBe(0);
      lines.push(`$ hydra ${command.join(" ")}`, ...printed, "");
    }
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
    await expect(lines.join("\n")).toMatchFileSnapshot(`golden/listings-${columns}.txt`);
  });

  test("later pages: stand under the columns of the first one, without a head of their own", async () => {
    const { script } = fleet(1_050);
    await using server = await start(script);
    const { printed } = await hydra(server.url, ["sentinels", "list"], { columns: 100 });
    expect(printed).toHaveLength(1_051);
    const healthAt = printed[0]?.indexOf("HEALTH");
    expect(new Set(printed.slice(1).map((line) => line.search(/(un)?healthy/)))).toEqual(new Set([healthAt]));
  });

  test("replicas that are not hydra's to set: how many there are, and not of how many", async () => {
    const desired = [0, 5];
    const sentinels = sentinelsOf(2).map((each, index) => ({
      ...each,
      availableReplicas: 4,
      desiredReplicas: desired[index] ?? 0,
    }));
    await using server = await start({ sentinels: { listSentinels: () => ({ sentinels }) } });
    const { printed } = await hydra(server.url, ["sentinels", "list"]);
    expect(printed.map((line) => line.split("\t")[3])).toEqual(["4", "4/5"]);
  });

  test.each([
    [["history"], /no rollout yet.*hydra rollout/],
    [["sentinels", "list"], /no sentinels yet.*hydra sentinels import/],
    [["sentinels", "list", "--failed"], /No sentinel is like that/],
    [["invocations", "list"], /No invocation/],
    [["status", "--failed"], /No sentinel of this rollout has failed/],
  ])("%j finds nothing: says so in a sentence, and nothing in a pipe or with --json", async (command, sentence) => {
    const nothing: Partial<Script> = {
      service: { listRollouts: () => ({}), listRolloutTargets: () => ({}) },
      sentinels: { listSentinels: () => ({}) },
      engine: { listInvocations: () => ({}) },
    };
    await using server = await start(nothing);
    expect((await hydra(server.url, command, { columns: 80 })).printed.join()).toMatch(sentence);
    expect((await hydra(server.url, command)).printed).toEqual([]);
    expect((await hydra(server.url, [...command, "--json"], { columns: 80 })).printed).toEqual([]);
  });
});

describe("a listing in a pipe", () => {
  test("values are whole, with tabs between, and nothing in them acts on a terminal", async () => {
    await using server = await start(everything);
    const { printed } = await hydra(server.url, ["sentinels", "list"]);
    expect(printed).toHaveLength(4);
    expect(printed[2]?.split("\t")).toEqual([
      "snt_000003",
      "eu-west-1",
      "unhealthy",
      "1/3",
      "failed",
      "registry.example.com/platform/sentinel:v2.1.0",
      "registry.example.com/platform/sentinel:v2.0.9",
      "the container crashes: [2J exit code 137 after 2 s, 5 times",
    ]);
  });

  test("--json: every row is one line of proto JSON", async () => {
    await using server = await start(everything);
    for (const command of LISTINGS) {
      const { printed } = await hydra(server.url, [...command, "--json"]);
      expect(printed.map((line) => typeof JSON.parse(line))).toEqual(printed.map(() => "object"));
      expect(printed.length).toBeGreaterThan(1);
    }
    const { printed } = await hydra(server.url, ["sentinels", "list", "--json"]);
    expect(JSON.parse(printed[2] ?? "")).toMatchObject({
      id: "snt_000003",
      deployStatus: "SENTINEL_DEPLOY_STATUS_FAILED",
      cpuMillicores: 0,
      deployReason: expect.stringContaining("\u001b[2J"),
    });
  });
});

describe("pages and filters", () => {
  test("a fleet of several pages: asks for each when the one before is told, and tells all", async () => {
    const { script, asked } = fleet(2_300);
    await using server = await start(script);
    const { printed } = await hydra(server.url, ["sentinels", "list"]);
    expect(printed.map((line) => line.split("\t")[0])).toEqual(sentinelsOf(2_300).map(({ id }) => id));
    expect(asked.map(({ pageToken }) => pageToken)).toEqual(["", "1000", "2000"]);
  });

  test("--limit: asks for no more than that", async () => {
    const { script, asked } = fleet(5_000);
    await using server = await start(script);
    expect((await hydra(server.url, ["sentinels", "list", "--limit", "1200"])).printed).toHaveLength(1_200);
    expect(asked.map(({ pageSize }) => pageSize)).toEqual([1_000, 200]);
  });

  test("hydra history without --limit: twenty", async () => {
    const asked: number[] = [];
    const listRollouts = ({ pageSize }: { pageSize: number }) => (asked.push(pageSize), {});
    await using server = await start({ service: { listRollouts } });
    await hydra(server.url, ["history"]);
    expect(asked).toEqual([20]);
  });

  test("filters of sentinels and invocations: reach the server as its enums", async () => {
    const { script, asked } = fleet(1);
    const filters: unknown[] = [];
    const listInvocations = ({ service, key, handler, statuses }: Record<string, unknown>) => {
      filters.push({ service, key, handler, statuses });
      return {};
    };
    await using server = await start({ ...script, engine: { listInvocations } });
    await hydra(server.url, ["sentinels", "list", "--region", "eu", "--status", "idle", "progressing", "--failed"]);
    expect(asked[0]).toMatchObject({
      regionId: "eu",
      deployStatuses: [SentinelDeployStatus.IDLE, SentinelDeployStatus.PROGRESSING, SentinelDeployStatus.FAILED],
    });
    await hydra(server.url, [
      "invocations",
      "list",
      "--service",
      "s",
      "--key",
      "k",
      "--handler",
      "h",
      "--status",
      "parked",
    ]);
    expect(filters).toEqual([{ service: "s", key: "k", handler: "h", statuses: [5] }]);
  });

  test("hydra status --failed: asks for those that failed, all of them", async () => {
    const listRolloutTargets: NonNullable<Script["service"]>["listRolloutTargets"] = ({ statuses, pageToken }) => {
      expect(statuses).toEqual([RolloutTargetStatus.FAILED]);
      const first = pageToken === "";
      return { targets: [{ sentinelId: first ? "a" : "b", reason: "r" }], nextPageToken: first ? "next" : "" };
    };
    await using server = await start({ service: { listRolloutTargets } });
    expect((await hydra(server.url, ["status", "--failed"])).printed).toEqual(["a\t1\tr", "b\t1\tr"]);
  });
});

test("a terminal that shows ASCII alone: so are the tables", async () => {
  const reason = "das Abbild fehlt: größer als 2 GB";
  await using server = await start({
    service: { listRolloutTargets: () => ({ targets: [{ sentinelId: "snt_000042".repeat(5), reason }] }) },
  });
  const { printed } = await hydra(server.url, ["status", "--failed"], { columns: 60, unicode: false });
  expect(printed.join("")).toMatch(/snt_[0-9snt_]+~ .*gr\?\?er/);
});
