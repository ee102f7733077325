import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type AgentStatus, startAgentPages } from "../../../src/agent/index.ts";
import { Scraped } from "../../server/metrics/scraped.ts";
import { refuseLeaks } from "../../support/leaks.ts";

refuseLeaks();

const WELL: AgentStatus = {
  connected: true,
  synced: true,
  clusterUid: "1f0c",
  sentinels: 7,
  applies: { inFlight: 2, queued: 3, applied: 11, refused: 1, failed: 4 },
  reports: { sent: 20, waiting: 5, lastAtMs: 1_700_000_000_500 },
  watchRestarts: 6,
};

/** The pages of an agent that is as the test says at the moment of the request. */
async function startPages(first: AgentStatus = WELL) {
  let status = first;
  const pages = await startAgentPages({ host: "127.0.0.1", port: 0, version: "1.2.3", status: () => status });
  return {
    become: (next: Partial<AgentStatus>) => void (status = { ...WELL, ...next }),
    async get(page: string, method = "GET") {
      const response = await fetch(`${pages.url}${page}`, { method });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
    [Symbol.asyncDispose]: () => pages.stop(),
  };
}

describe("/readyz", () => {
  test.each<[string, Partial<AgentStatus>, number, string]>([
    ["all is well", {}, 200, "ok\n"],
    [
      "no word from the cluster",
      { clusterUid: undefined, connected: false },
      503,
      "the cluster has not answered yet\n",
    ],
    ["no word from hydra", { connected: false }, 503, "hydra does not answer\n"],
    ["not all is heard", { synced: false }, 503, "the first full sync is under way\n"],
  ])("%s: says so, and /healthz stays 200", async (_situation, status, code, text) => {
    await using pages = await startPages();
    pages.become(status);
    expect(await pages.get("/readyz")).toMatchObject({ status: code, text });
    expect(await pages.get("/healthz")).toMatchObject({ status: 200, text: "ok\n" });
  });
});

test("another page, or another method: 404 that lists the pages, 405; HEAD has no body, a query does not matter", async () => {
  await using pages = await startPages();
  expect(await pages.get("/")).toMatchObject({
    status: 404,
    text: "there is no such page: there are /healthz, /readyz, /metrics\n",
  });
  expect(await pages.get("/__proto__")).toMatchObject({ status: 404 });
  expect(await pages.get("/readyz", "POST")).toMatchObject({ status: 405 });
  expect(await pages.get("/readyz", "HEAD")).toMatchObject({ status: 200, text: "" });
  expect(await pages.get("/readyz?verbose=1")).toMatchObject({ status: 200 });
});

describe("/metrics", () => {
  test("every value: as the agent is at the moment of the scrape", async () => {
    await using pages = await startPages({ ...WELL, reports: { sent: 0, waiting: 0, lastAtMs: undefined } });
    expect((await scrape(pages)).value("hydra_agent_last_report_timestamp_seconds")).toBeUndefined();
    pages.become({});
    const scraped = await scrape(pages);
    const own = [...scraped.series].filter(([name]) => name.startsWith("hydra_"));
    expect(Object.fromEntries(own)).toEqual({
      'hydra_agent_build_info{version="1.2.3"}': 1,
      hydra_agent_stream_open: 1,
      hydra_agent_synced: 1,
      hydra_agent_sentinels: 7,
      hydra_agent_applies_in_flight: 2,
      hydra_agent_applies_queued: 3,
      hydra_agent_reports_waiting: 5,
      hydra_agent_last_report_timestamp_seconds: 1_700_000_000.5,
      hydra_agent_reports_sent_total: 20,
      hydra_agent_watch_restarts_total: 6,
      'hydra_agent_applies_total{outcome="applied"}': 11,
      'hydra_agent_applies_total{outcome="refused"}': 1,
      'hydra_agent_applies_total{outcome="failed"}': 4,
    });
    pages.become({ connected: false, synced: false });
    const later = await scrape(pages);
    expect([later.value("hydra_agent_stream_open"), later.value("hydra_agent_synced")]).toEqual([0, 0]);
    expect(later.value("hydra_agent_reports_sent_total")).toBe(20);
  });

  test("docs/metrics.md: lists each with its type, labels and meaning, and no other", async () => {
    await using pages = await startPages();
    const scraped = await scrape(pages);
    const labels = scraped.labels();
    const rows = scraped.families
      .filter(({ name }) => name.startsWith("hydra_"))
      .map(({ name, type, help }) => {
        const listed = [...(labels.get(name) ?? [])].map((label) => `\`${label}\``).join(", ");
        return `| \`${name}\` | ${type.toLowerCase()} | ${listed} | ${help} |`;
      });
    const table = ["| metric | type | labels | meaning |", "|---|---|---|---|", ...rows.toSorted()].join("\n");
    const file = path.join(import.meta.dirname, "../../../docs/metrics.md");
    const docs = await readFile(file, "utf8");
    expect(docs).toMatch(TABLE);
    const fresh = docs.replace(TABLE, (_, start, end) => `${start}\n${table}\n\n${end}`);
    await expect(fresh).toMatchFileSnapshot(file);
  });
});

const TABLE = /(<!-- agent table -->\n)[^]*(<!-- \/agent table -->)/;

async function scrape(pages: Awaited<ReturnType<typeof startPages>>): Promise<Scraped> {
  const { status, text, headers } = await pages.get("/metrics");
  expect([status, headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  return new Scraped(text);
}
