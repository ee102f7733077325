import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/health/v1/health_pb.ts";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const { SERVING, NOT_SERVING } = ServingStatus;

test("health Watch, the database goes and comes back, then the server stops: each change is told", async () => {
  await using directory = await createTemporaryDirectory();
  await using postgres = new AsyncDisposableStack();
  const options = { dataDir: directory.path, settings: { fsync: "off" } };
  const first = await startEmbeddedPostgres(options);
  postgres.defer(() => first.stop());
  await using serve = startHydraProcess(["serve", "--port", "0"], { DATABASE_URL: first.url });
  const transport = createGrpcTransport({ baseUrl: await urlOf(serve), idleConnectionTimeoutMs: 100 });
  const statuses: ServingStatus[] = [];
  const watch = async () => {
    for await (const { status } of createClient(Health, transport).watch({})) statuses.push(status);
  };
  const ended = watch().catch(ConnectError.from);
  const told = (...expected: ServingStatus[]) =>
    eventually(() => expect(statuses).toEqual(expected), { timeoutMs: 20_000 });

  await told(SERVING);
  await first.stop();
  await told(SERVING, NOT_SERVING);
  const again = await startEmbeddedPostgres(options);
  postgres.defer(() => again.stop());
  await told(SERVING, NOT_SERVING, SERVING);
  serve.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: Code.Unavailable });
  await told(SERVING, NOT_SERVING, SERVING, NOT_SERVING);
  expect(await serve.exited).toBe(0);
});
