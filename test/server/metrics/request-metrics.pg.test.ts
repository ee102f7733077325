import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { SentinelService } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { post } from "../serving.ts";
import { type MeasuredServer, startMeasuredServer } from "./measured-server.ts";

refuseLeaks();

const ROLLOUTS = "hydra.v1.SentinelRolloutService";

async function countOf(hydra: MeasuredServer, method: string, code: string): Promise<number> {
  return (await hydra.scrape()).value(`hydra_rpc_requests_total{method="${method}",code="${code}"}`) ?? Number.NaN;
}

test("calls over every protocol: counted under their method, with their code", async () => {
  await using hydra = await startMeasuredServer();
  const { url } = hydra.server;
  const grpc = createClient(SentinelService, createGrpcTransport({ baseUrl: url }));
  await grpc.listSentinels({});
  await grpc.getSentinel({ sentinelId: "nobody" }).catch(() => {});
  await hydra.client.sentinels.listSentinels({});
  await post(`${url}/${ROLLOUTS}/singleton/Cancel`, "{}");
  await post(`${url}/${ROLLOUTS}/singleton/Cancel/send`, "{}");
  await post(`${url}/${ROLLOUTS}/Cancel`, "{}");
  await post(`${url}/${ROLLOUTS}/singleton/Rollout/send`, JSON.stringify({ image: "a b" }));
  await eventually(async () => {
    expect(await countOf(hydra, "hydra.v1.SentinelService/ListSentinels", "ok")).toBe(2);
    expect(await countOf(hydra, "hydra.v1.SentinelService/GetSentinel", "not_found")).toBe(1);
    expect(await countOf(hydra, `${ROLLOUTS}/Cancel`, "failed_precondition")).toBe(3);
    expect(await countOf(hydra, `${ROLLOUTS}/Rollout`, "invalid_argument")).toBe(1);
  });
  const seconds = 'hydra_rpc_request_duration_seconds_count{method="hydra.v1.SentinelService/ListSentinels"}';
  expect((await hydra.scrape()).value(seconds)).toBe(2);
});

test("paths, methods, keys and codes that nobody knows: no label and no series comes of them", async () => {
  await using hydra = await startMeasuredServer();
  const { url } = hydra.server;
  const before = await hydra.scrape();
  const seen = before.value('hydra_rpc_requests_total{method="other",code="not_found"}') ?? Number.NaN;
  await fetch(`${url}/no/such/page`);
  await fetch(`${url}/hydra.v1.SentinelService/Unheard`, { method: "POST" });
  await post(`${url}/acme.v1.Orders/secret-key/Buy`, "{}");
  await post(`${url}/${ROLLOUTS}/secret-key/Cancel`, "{}");
  await post(`${url}/restate/call/x/y/z`, "{}");
  await fetch(`${url}/restate/invocation/inv_secret/output`);
  await eventually(async () => {
    expect(await countOf(hydra, "other", "not_found")).toBeGreaterThanOrEqual(seen + 3);
    expect(await countOf(hydra, `${ROLLOUTS}/Cancel`, "invalid_argument")).toBe(1);
  });
  const after = await hydra.scrape();
  expect([...after.series.keys()].filter((name) => name.startsWith("hydra_"))).toEqual(
    [...before.series.keys()].filter((name) => name.startsWith("hydra_")),
  );
  expect(after.text).not.toMatch(/secret|Unheard|Orders|such/);
});

test("streams: counted while they are open, and once when they have ended", async () => {
  await using hydra = await startMeasuredServer({ sentinels: 1 });
  const watch = new AbortController();
  const events = hydra.client.rollouts.watch({}, { signal: watch.signal })[Symbol.asyncIterator]();
  await events.next();
  await eventually(async () => {
    const scraped = await hydra.scrape();
    expect(scraped.value("hydra_watch_streams")).toBe(1);
    expect(scraped.by("hydra_agent_streams")).toEqual({ everything: 0, changes: 1 });
    expect(scraped.value("hydra_agent_changes_untold")).toBe(0);
    expect(scraped.value("hydra_regions_with_agent")).toBe(1);
  });
  watch.abort();
  await events.next().catch(() => {});
  await eventually(async () => {
    expect((await hydra.scrape()).value("hydra_watch_streams")).toBe(0);
    expect(await countOf(hydra, `${ROLLOUTS}/Watch`, "canceled")).toBe(1);
  });
});
