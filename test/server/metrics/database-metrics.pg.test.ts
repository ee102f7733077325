import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { type Proxy, startProxy } from "../../engine/fixtures/proxy.ts";
import { startMeasuredServer } from "./measured-server.ts";

refuseLeaks();

test("a hundred scrapes at once: one reading of the database serves them", async () => {
  await using hydra = await startMeasuredServer();
  const startedAt = performance.now();
  const page = async () => (await fetch(`${hydra.server.url}/metrics`)).text();
  const pages = await Promise.all(Array.from({ length: 100 }, page));
  const readings = hydra.statements.filter((text) => text.includes("as figures")).length;
  // One, unless sending them took this machine longer than a reading is fresh.
  expect(readings).toBeLessThanOrEqual(1 + Math.floor((performance.now() - startedAt) / 1_000));
  expect(pages.filter((text) => text.includes("\nhydra_database_up 1\n"))).toHaveLength(100);
});

test("the database is silent, then back: the page is served all the same, without what it was to say", async () => {
  let proxy: Proxy | undefined;
  await using hydra = await startMeasuredServer({ through: async (url) => (proxy = await startProxy(url)) });
  await eventually(async () => expect((await hydra.scrape()).value("hydra_database_up")).toBe(1));
  proxy?.deafen();
  const away = await eventually(async () => {
    const scraped = await hydra.scrape();
    expect(scraped.value("hydra_database_up")).toBe(0);
    return scraped;
  });
  const read = /^hydra_(rollouts|rollout_targets|deploys_in_flight|engine_invocations|notifications_waiting|regions)\b/;
  expect([...away.series.keys()].filter((name) => read.test(name))).toEqual([]);
  expect(away.value("hydra_engine_batch_operations_count")).toBeGreaterThanOrEqual(0);
  expect(away.value('hydra_deploys_ended_total{kind="rollout",outcome="ready"}')).toBe(0);
  // An engine that is idle hears of it by its heartbeats.
  await eventually(async () => expect((await hydra.scrape()).value("hydra_engine_up")).toBe(0), { timeoutMs: 20_000 });
  proxy?.cut();
  await eventually(async () => {
    const scraped = await hydra.scrape();
    expect(scraped.value("hydra_database_up")).toBe(1);
    expect(scraped.value("hydra_engine_up")).toBe(1);
    expect(scraped.by("hydra_engine_invocations")).toMatchObject({ running: 0 });
    expect(scraped.value("hydra_engine_reconnects_total")).toBeGreaterThanOrEqual(1);
  });
});

test("more regions than are told of: counted, but only a hundred have a series", async () => {
  await using hydra = await startMeasuredServer();
  await hydra.pool.query(
    "insert into regions (region_id, cluster_uid, last_seen_at) select 'r' || n, 'c', now() - n * interval '1 second' from generate_series(1, 150) as n",
  );
  const scraped = await hydra.scrape();
  expect(scraped.value("hydra_regions")).toBe(150);
  expect(scraped.value("hydra_regions_with_agent")).toBeLessThan(60);
  const lastSeen = Object.entries(scraped.by("hydra_region_agent_last_seen_timestamp_seconds"));
  expect(lastSeen).toHaveLength(100);
  expect(lastSeen.every(([, seconds]) => Math.abs(Date.now() / 1_000 - seconds) < 1_000)).toBe(true);
});

test("messages that wait for a webhook: their number and the age of the oldest", async () => {
  await using hydra = await startMeasuredServer();
  await hydra.pool.query(
    `with waiting as (insert into notifications (sequence, rollout_id) values (1, 'r'), (2, 'r'))
     insert into rollout_events (sequence, time, rollout_id, state, type)
     values (1, now() - interval '1 hour', 'r', 'paused', 'rollout_paused'), (2, now(), 'r', 'paused', 'rollout_paused')`,
  );
  const scraped = await hydra.scrape();
  expect(scraped.value("hydra_notifications_waiting")).toBe(2);
  expect(scraped.value("hydra_notification_oldest_age_seconds")).toBeGreaterThanOrEqual(3_600);
  expect(scraped.value("hydra_notification_oldest_age_seconds")).toBeLessThan(3_700);
  for (const outcome of ["sent", "retry", "retry", "dropped"] as const) hydra.metrics.notifications.tried(outcome);
  expect((await hydra.scrape()).by("hydra_notification_tries_total")).toEqual({ sent: 1, retry: 2, dropped: 1 });
});

test("regions with sentinels, of which one has an agent; agents that are here, silent or gone; drift: counted", async () => {
  await using hydra = await startMeasuredServer();
  const regions = "insert into regions (region_id, cluster_uid, last_seen_at) values";
  await hydra.pool.query(
    `${regions} ('here', 'c', now()), ('gone', 'c', now() - interval '61 seconds'), ('empty', 'c', '2020-01-01')`,
  );
  await hydra.pool.query(
    `insert into sentinels (id, region_id, k8s_namespace, k8s_name, image, drift)
     select region || n, region, 'ns', 'n' || n, 'image', case n when 1 then 'image is x' else '' end
       from unnest(array['gone', 'here', 'never']) as region cross join generate_series(1, 2) as n`,
  );
  await hydra.pool.query(
    `insert into agents (region_id, instance, version, last_seen_at, left_at)
     values ('here', 'a', '1', now(), null), ('here', 'b', '1', now(), null), ('here', 'left', '1', now(), now()),
            ('gone', 'a', '1', now() - interval '61 seconds', null)`,
  );
  const scraped = await hydra.scrape();
  expect(scraped.value("hydra_agents_connected")).toBe(2);
  expect(scraped.value("hydra_regions_without_agent")).toBe(2);
  expect(scraped.value("hydra_sentinels_drifted")).toBe(3);
});
