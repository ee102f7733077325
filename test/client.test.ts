import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createHydraClient, SentinelRolloutState } from "../src/client/index.ts";
import { startScriptedServer } from "./cli/scripted-server.ts";

interface Seen {
  method: string;
  key: string | null;
  authorization: string | null;
}

async function startRecording() {
  const seen: Seen[] = [];
  const record = (method: string, headers: Headers) =>
    void seen.push({ method, key: headers.get("idempotency-key"), authorization: headers.get("authorization") });
  const server = await startScriptedServer({
    events: [],
    service: {
      rollout(_request, { requestHeader }) {
        record("rollout", requestHeader);
        return { state: SentinelRolloutState.COMPLETED };
      },
      getRollout(_request, { requestHeader }) {
        record("getRollout", requestHeader);
        return {};
      },
    },
  });
  return { server, seen };
}

test("calls that change something: each has an idempotency key of its own; one that only reads has none", async () => {
  const { server, seen } = await startRecording();
  await using _ = server;
  const hydra = createHydraClient({ baseUrl: server.url });
  expect((await hydra.rollouts.rollout({ image: "i" })).state).toBe(SentinelRolloutState.COMPLETED);
  await hydra.rollouts.rollout({ image: "i" });
  await hydra.rollouts.getRollout({});
  const [first, second, third] = seen.map(({ key }) => key);
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).not.toBe(first);
  expect(third).toBeNull();
});

test("a call that an interceptor repeats: the repeat has the same key", async () => {
  const { server, seen } = await startRecording();
  await using _ = server;
  const repeat: Interceptor = (next) => async (request) => {
    await next(request);
    return next(request);
  };
  await createHydraClient({ baseUrl: server.url, interceptors: [repeat] }).rollouts.rollout({ image: "i" });
  expect(seen).toHaveLength(2);
  expect(seen[1]?.key).toBe(seen[0]?.key);
});

test("a key of the caller's own: it is kept; a token: it is sent", async () => {
  const { server, seen } = await startRecording();
  await using _ = server;
  const hydra = createHydraClient({ baseUrl: server.url, token: "secret" });
  await hydra.rollouts.rollout({ image: "i" }, { headers: { "idempotency-key": "mine" } });
  expect(seen).toEqual([{ method: "rollout", key: "mine", authorization: "Bearer secret" }]);
});

test("a connection that breaks while the request is written: unavailable, with its cause", async () => {
  const { server } = await startRecording();
  await using _ = server;
  const cause = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const breakOff: Interceptor = () => () => {
    throw new ConnectError("write EPIPE", Code.Internal, undefined, undefined, cause);
  };
  const hydra = createHydraClient({ baseUrl: server.url, interceptors: [breakOff] });
  const error = await hydra.rollouts.rollout({ image: "i" }).catch(ConnectError.from);
  expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: "write EPIPE", cause });
});

test("nobody at the address: unavailable", async () => {
  const { server } = await startRecording();
  await server[Symbol.asyncDispose]();
  const error = await createHydraClient({ baseUrl: server.url }).rollouts.getRollout({}).catch(ConnectError.from);
  expect(error).toMatchObject({ code: Code.Unavailable });
});

test("a stream that nobody reads: nothing is called", async () => {
  let calls = 0;
  await using server = await startScriptedServer({
    events: [],
    service: {
      async *watch() {
        calls++;
        yield { message: { case: "heartbeat", value: {} } };
      },
    },
  });
  const { rollouts } = createHydraClient({ baseUrl: server.url });
  rollouts.watch({});
  await rollouts.watch({})[Symbol.asyncIterator]().return?.();
  for await (const { message } of rollouts.watch({})) expect(message.case).toBe("heartbeat");
  expect(calls).toBe(1);
});

test("a stream whose reader stops: its call ends", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = await startScriptedServer({
    events: [],
    service: {
      async *watch(_request, { signal }) {
        signal.addEventListener("abort", () => ended.resolve());
        yield { message: { case: "heartbeat", value: {} } };
        await ended.promise;
      },
    },
  });
  const { rollouts } = createHydraClient({ baseUrl: server.url });
  for await (const { message } of rollouts.watch({})) {
    expect(message.case).toBe("heartbeat");
    break;
  }
  await ended.promise;
});
