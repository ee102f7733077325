import { once } from "node:events";
import http from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { InvocationStatus } from "../../../src/gen/hydra/v1/engine_pb.ts";
import { Role } from "../../../src/gen/hydra/v1/options_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { ROLLOUTS, SENTINELS, serve, type Serving } from "../serving.ts";
import { clientOf, createTokens } from "./token-server.ts";

// What somebody began while the token was good does not outlive it.

refuseLeaks();

type Tokens = Awaited<ReturnType<typeof createTokens>>;

async function revoke({ url }: Serving, { admin }: Tokens, name: string): Promise<void> {
  await clientOf(url, admin).tokens.revokeToken({ name });
}

async function refusalOf(call: Promise<unknown>): Promise<[Code, string]> {
  return call.then(
    () => [Code.Unknown, "it was not refused"],
    (error: unknown) => [ConnectError.from(error).code, ConnectError.from(error).rawMessage],
  );
}

test.each(["connect", "grpc", "grpc-web"] as const)(
  "an agent's stream of desired state over %s: ends when its token is revoked",
  async (protocol) => {
    await using serving = await serve();
    const tokens = await createTokens(serving.url);
    const { cluster } = clientOf(serving.url, tokens.agent, protocol);
    const agent = { regionId: "eu-1", clusterUid: "uid", version: "1" };
    const stream = cluster.watchDesiredState({ agent })[Symbol.asyncIterator]();
    await stream.next();
    const end = refusalOf(untilEnd(stream));
    await revoke(serving, tokens, "agent-eu-1");
    expect(await end).toEqual([Code.Unauthenticated, 'token "agent-eu-1" was revoked']);
  },
);

test("the wait for a call's result: ends when the token is revoked; what was called goes on", async () => {
  await using serving = await serve();
  const tokens = await createTokens(serving.url);
  const { sentinels } = clientOf(serving.url, tokens.operator);
  const deploying = refusalOf(sentinels.deploy({ sentinelId: "snt_1", image: "wait" }));
  const ingress = ask(serving, tokens.operator, `/${SENTINELS}/snt_2/Deploy`);
  ingress.end('{"image": "wait"}');
  const awakeables = [await serving.awakeableOf("snt_1"), await serving.awakeableOf("snt_2")];
  const { engine } = clientOf(serving.url, tokens.admin);
  const { invocations } = await engine.listInvocations({});
  const attached = ask(serving, tokens.viewer, `/restate/invocation/${invocations[0]?.id}/attach`, "GET");
  await attached.judged;

  await revoke(serving, tokens, "ci");
  expect(await deploying).toEqual([Code.Unauthenticated, 'token "ci" was revoked']);
  expect(await ingress.answer).toEqual([401, expect.stringContaining('token \\"ci\\" was revoked')]);
  await revoke(serving, tokens, "viewer");
  expect(await attached.answer).toEqual([401, expect.stringContaining('token \\"viewer\\" was revoked')]);

  for (const awakeableId of awakeables) await engine.resolveAwakeable({ awakeableId, value: "1" });
  await eventually(async () => {
    const { invocations: now } = await engine.listInvocations({});
    return now.length === 2 && now.every(({ status }) => status === InvocationStatus.SUCCEEDED);
  });
});

test("an import whose token is revoked before its last rows: writes none of them", async () => {
  await using serving = await serve();
  const tokens = await createTokens(serving.url);
  const sent = Promise.withResolvers<void>();
  const revoked = Promise.withResolvers<void>();
  const row = { regionId: "eu-1", k8sNamespace: "n", k8sName: "n", image: "acme/x:1" };
  async function* rows() {
    yield { sentinels: [{ ...row, id: "snt_1" }] };
    sent.resolve();
    await revoked.promise;
    yield { sentinels: [{ ...row, id: "snt_2" }] };
  }
  const { sentinels } = clientOf(serving.url, tokens.operator, "grpc");
  const importing = refusalOf(sentinels.importSentinels(rows()));
  await sent.promise;
  await revoke(serving, tokens, "ci");
  expect(await importing).toEqual([Code.Unauthenticated, 'token "ci" was revoked']);
  revoked.resolve();
  expect((await serving.pool.query("select from sentinels")).rowCount).toBe(0);
});

test.each([
  ["a new admin's token, by RPC", "/hydra.v1.TokenService/CreateToken", '{"name": "mallory", "role": "ROLE_ADMIN"}'],
  ["a rollout, by RPC", `/${ROLLOUTS}/Rollout`, '{"image": "acme/x:2"}'],
  ["a rollout on the ingress", `/${ROLLOUTS}/singleton/Rollout/send`, '{"image": "acme/x:2"}'],
  ["an awakeable on the ingress", "/restate/awakeables/sign_1/resolve", "{}"],
])("a request whose body comes after its token was revoked (%s): nothing is done", async (_what, path, body) => {
  await using serving = await serve();
  const tokens = await createTokens(serving.url);
  await clientOf(serving.url, tokens.admin).tokens.createToken({ name: "second", role: Role.ADMIN });
  const held = ask(serving, tokens.admin, path);
  await held.judged;
  await revoke(serving, tokens, "alice");
  held.end(body);
  expect(await held.answer).toEqual([401, expect.stringContaining('token \\"alice\\" was revoked')]);
  expect((await serving.pool.query("select from tokens where name = 'mallory'")).rowCount).toBe(0);
  expect((await serving.pool.query("select from engine.invocations")).rowCount).toBe(0);
});

async function untilEnd(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}

/** A request whose body the test sends as it likes, and its answer: status and text. */
function ask({ url }: Serving, token: string, path: string, method = "POST") {
  const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, string]>();
  const authorization = `Bearer ${token}`;
  const headers = { authorization, "content-type": "application/json", expect: "100-continue" };
  const request = http.request(`${url}${path}`, { method, headers }).on("error", reject);
  // Said by a server that has the head and hands it on.
  const judged = once(request, "continue");
  request.flushHeaders();
  request.on("response", (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    answer.on("end", () => resolve([answer.statusCode, text]));
  });
  return {
    end: (text?: string) => void request.end(text),
    judged,
    answer: promise,
  };
}
