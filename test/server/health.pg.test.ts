import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/health/v1/health_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { SENTINELS, serve } from "./serving.ts";

refuseLeaks();

test("Watch of a server that stops: NOT_SERVING, then the end as unavailable, over every way in", async () => {
  await using serving = await serve();
  const transports = [
    createConnectTransport({ baseUrl: serving.url, httpVersion: "1.1" }),
    createGrpcTransport({ baseUrl: serving.url, idleConnectionTimeoutMs: 100 }),
    serving.server.transport,
  ];
  const watches = transports.map((transport) => {
    const statuses: ServingStatus[] = [];
    const read = async () => {
      const watch = createClient(Health, transport).watch({ service: SENTINELS });
      for await (const { status } of watch) statuses.push(status);
    };
    return { statuses, ended: read().catch(ConnectError.from) };
  });
  await eventually(() => watches.every(({ statuses }) => statuses.length > 0));
  await serving.server.stop();
  for (const { statuses, ended } of watches) {
    expect(await ended).toMatchObject({ code: Code.Unavailable });
    expect(statuses).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  }
});
