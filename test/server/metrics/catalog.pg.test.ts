import { readFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { expressionsOfAlerts, expressionsOfDashboard, labelsUsed, metricsUsed, valuesUsed } from "./expressions.ts";
import { startMeasuredServer } from "./measured-server.ts";
import type { Scraped } from "./scraped.ts";

// What is written about metrics (docs, dashboard, alerts), against a real page.

refuseLeaks();

const ROOT = path.join(import.meta.dirname, "../../..");
const TABLE = /(<!-- table -->\n)[^]*(<!-- \/table -->)/;
/** Prometheus puts these on everything. */
const OF_PROMETHEUS = ["job", "instance", "le"];

const read = (file: string) => readFile(path.join(ROOT, file), "utf8");

let page: Scraped;

beforeAll(async () => {
  await using hydra = await startMeasuredServer({ sentinels: 1 });
  page = await eventually(async () => {
    const scraped = await hydra.scrape();
    return scraped.value("hydra_regions_with_agent") === 1 && scraped;
  });
});

test("docs/metrics.md: lists each metric with its type, labels and meaning, and no other", async () => {
  const labels = page.labels();
  const rows = page.families
    .filter(({ name }) => name.startsWith("hydra_"))
    .map(({ name, type, help }) => {
      const listed = [...(labels.get(name) ?? [])].map((label) => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${type.toLowerCase()} | ${listed} | ${help} |`;
    });
  const table = ["| metric | type | labels | meaning |", "|---|---|---|---|", ...rows.toSorted()].join("\n");
  const docs = await read("docs/metrics.md");
  expect(docs).toMatch(TABLE);
  const file = path.join(ROOT, "docs/metrics.md");
  await expect(docs.replace(TABLE, (_, start, end) => `${start}\n${table}\n\n${end}`)).toMatchFileSnapshot(file);
});

test("the page: every metric has a prefix, a kind or unit at its end, and a help text that says whose it is", () => {
  const own = page.families.filter(({ name }) => name.startsWith("hydra_"));
  const named = (type: string) => own.filter((each) => each.type === type).map(({ name }) => name);
  const breaches = [
    ...page.families.map(({ name }) => name).filter((name) => !/^(hydra|process|nodejs)_[a-z0-9_]+$/.test(name)),
    ...page.families.filter(({ help }) => help.trim() === "").map(({ name }) => name),
    ...named("COUNTER").filter((name) => !name.endsWith("_total")),
    ...named("HISTOGRAM").filter((name) => !/_(seconds|operations)$/.test(name)),
    ...own.filter(({ help }) => !/this server|from the database|this scrape/.test(help)).map(({ name }) => name),
  ];
  expect(breaches).toEqual([]);
  expect(own.length).toBeGreaterThan(20);
});

describe.each([
  ["deploy/grafana/hydra.json", expressionsOfDashboard],
  ["deploy/prometheus/alerts.yml", expressionsOfAlerts],
])("%s", (file, expressionsOf) => {
  test("every metric and label that it uses: exists", async () => {
    const expressions = expressionsOf(await read(file));
    expect(expressions.length).toBeGreaterThan(5);
    const labels = page.labels();
    const strangers = expressions.flatMap((expression) => {
      const { known, unknown } = metricsUsed(expression, [...labels.keys()]);
      const allowed = new Set([...OF_PROMETHEUS, ...known.flatMap((name) => [...(labels.get(name) ?? [])])]);
      const unlabelled = [...labelsUsed(expression)].filter((label) => !allowed.has(label));
      return known.length === 0 ? [expression] : [...unknown, ...unlabelled];
    });
    expect(strangers).toEqual([]);
  });

  test("every value of a label that it asks for: there is a series with it", async () => {
    const asked = expressionsOf(await read(file)).flatMap((expression) => valuesUsed(expression));
    expect(asked.length).toBeGreaterThan(2);
    const series = [...page.series.keys()];
    const strangers = asked.filter(
      ({ metric, selector }) => !series.some((name) => name.startsWith(metric) && name.includes(selector)),
    );
    expect(strangers).toEqual([]);
  });
});

test("the dashboard: every panel has a sentence for its title, a unit and a place of its own", async () => {
  interface Panel {
    id: number;
    type: string;
    title: string;
    description?: string;
    gridPos: { x: number; y: number; w: number; h: number };
    fieldConfig?: { defaults: { unit?: string } };
  }
  const { panels, templating } = JSON.parse(await read("deploy/grafana/hydra.json")) as {
    panels: Panel[];
    templating: { list: { name: string; type: string }[] };
  };
  expect(templating.list).toContainEqual(expect.objectContaining({ name: "datasource", type: "datasource" }));
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  const breaches = panels
    .filter(({ type }) => type !== "row")
    .filter(
      ({ title, description, fieldConfig }) =>
        title.split(" ").length < 4 || !description?.endsWith(".") || !fieldConfig?.defaults.unit,
    );
  expect(breaches).toEqual([]);
});
