import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHydraClient, type HydraClient } from "../../src/client/index.ts";
import { withQuickWatch } from "../../src/cli/watching/watch-reader.ts";
import { pausedRollout } from "./recorded-rollout.ts";
import { startScriptedServer } from "./scripted-server.ts";

function clientOf(url: string, token?: string): HydraClient {
  return withQuickWatch(createHydraClient({ baseUrl: url, ...(token === undefined ? {} : { token }) }), { url, token });
}

/** The numbers of all events, and how it ended. */
async function watch(
  client: HydraClient,
  request: Parameters<HydraClient["rollouts"]["watch"]>[0],
  signal?: AbortSignal,
) {
  const sequences: number[] = [];
  try {
    for await (const { message } of client.rollouts.watch(request, signal ? { signal } : {})) {
      if (message.case === "event") sequences.push(Number(message.value.sequence));
    }
  } catch (error) {
    return { sequences, error };
  }
  return { sequences };
}

async function startAnswering(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("withQuickWatch()", () => {
  test("every event, then the end: as the ordinary client tells them", async () => {
    await using server = await startScriptedServer({ events: pausedRollout, endsAfterEvents: true });
    const quick = await watch(clientOf(server.url), { afterSequence: 3n });
    expect(quick).toEqual(await watch(createHydraClient({ baseUrl: server.url }), { afterSequence: 3n }));
    expect(quick.sequences).toHaveLength(pausedRollout.length - 3);
    expect(server.watches.map(({ afterSequence }) => afterSequence)).toEqual([3n, 3n]);
  });

  test("a refusal: with its code and the server's words", async () => {
    await using server = await startScriptedServer({ events: pausedRollout });
    const { error } = await watch(clientOf(server.url), { afterSequence: 999n });
    expect(error).toMatchObject({ code: Code.OutOfRange, rawMessage: "beyond the latest event" });
    expect(server.watches).toHaveLength(1);
  });

  test("a connection that is cut: the events before it, then Unavailable", async () => {
    await using server = await startScriptedServer({ events: pausedRollout, cutAfter: 5 });
    const { sequences, error } = await watch(clientOf(server.url), { afterSequence: 0n });
    expect(sequences).toEqual([1, 2, 3, 4, 5]);
    expect(error).toMatchObject({ code: Code.Unavailable });
  });

  test("no server: the ordinary client's error", async () => {
    const server = await startScriptedServer({ events: [] });
    await server[Symbol.asyncDispose]();
    const { error } = await watch(clientOf(server.url), {});
    expect(error).toEqual((await watch(createHydraClient({ baseUrl: server.url }), {})).error);
  });

  test("an answer that is no stream: the ordinary client's error; the token is sent", async () => {
    const tokens: (string | undefined)[] = [];
    const url = await startAnswering((request, response) => {
      tokens.push(request.headers.authorization);
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ code: "unauthenticated", message: "the token is not known" }));
    });
    const { error } = await watch(clientOf(url, "secret"), {});
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: "HTTP 401" });
    expect(new Set(tokens)).toEqual(new Set(["Bearer secret"]));
  });

  test.each([
    ["a compressed message", [1, 0, 0, 0, 1, 0], { code: Code.Internal, rawMessage: /flags 1, which cannot be read/ }],
    ["a message without an end", [0, 0xff, 0, 0, 0], { code: Code.Internal, rawMessage: /4278190080 bytes/ }],
    [
      "cut in the middle of a message",
      [0, 0, 0, 0, 9, 1],
      { code: Code.Unavailable, rawMessage: /the stream was cut/ },
    ],
    ["an end that is no JSON", [2, 0, 0, 0, 1, 0x7b], { code: Code.Unavailable, rawMessage: /connection was lost/ }],
  ])("%s: an error, and nobody asks again", async (_, bytes, expected) => {
    let asked = 0;
    const url = await startAnswering((_request, response) => {
      asked += 1;
      response.writeHead(200, { "content-type": "application/connect+proto" }).end(Uint8Array.from(bytes));
    });
    const { error } = await watch(clientOf(url), {});
    expect(error).toMatchObject({ code: expected.code, rawMessage: expect.stringMatching(expected.rawMessage) });
    expect(asked).toBe(1);
  });

  test("aborted in mid-stream: ends with an error, and hangs up", async () => {
    await using server = await startScriptedServer({ events: pausedRollout });
    const over = new AbortController();
    const watching = watch(clientOf(server.url), { afterSequence: 0n }, over.signal);
    setImmediate(() => over.abort());
    expect((await watching).error).toBeDefined();
  });
});
