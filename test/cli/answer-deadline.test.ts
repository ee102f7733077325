import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { createHydraClient, type HydraClient } from "../../src/client/index.ts";
import { answeredWithin } from "../../src/cli/answer-deadline.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

function clientOf(baseUrl: string, deadlineMs: number): HydraClient {
  return createHydraClient({ baseUrl, interceptors: [answeredWithin(deadlineMs)] });
}

/** Takes every call and answers none. */
async function startHungServer(): Promise<string> {
  const server = http.createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a question that is not answered: given up, as a server that cannot answer now", async () => {
  const asking = clientOf(await startHungServer(), 20).rollouts.getRollout({});
  await expect(asking).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: "no answer within 0.02 s",
  });
});

test("interrupted while it waits for an answer: ends with that, not with the deadline", async () => {
  const asking = clientOf(await startHungServer(), 60_000).rollouts.getRollout({}, { signal: AbortSignal.abort() });
  await expect(asking).rejects.toMatchObject({ code: Code.Canceled });
});

test("an operation: may take longer than any answer", async () => {
  const hung = clientOf(await startHungServer(), 20);
  const service = {
    async rollout() {
      // A question that begins later has been given up.
      await hung.rollouts.getRollout({}).catch(() => {});
      return { rolloutId: "rol_1" };
    },
  };
  await using server = await startScriptedServer({ events: [], service });
  const { rolloutId } = await clientOf(server.url, 20).rollouts.rollout({ image: "a:1" });
  expect(rolloutId).toBe("rol_1");
});
