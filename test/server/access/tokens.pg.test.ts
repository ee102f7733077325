import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Role } from "../../../src/gen/hydra/v1/options_pb.ts";
import { startServer } from "../../../src/server/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { serve } from "../serving.ts";
import { ADMIN_TOKEN, clientOf, createTokens, secretOf } from "./token-server.ts";

refuseLeaks();

/** The refusal of a call. */
async function refusalOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => new ConnectError("it was not refused", Code.Unknown),
    (error: unknown) => ConnectError.from(error),
  );
}

test("the first token: must be an admin's, and closes the server, also to this machine", async () => {
  await using serving = await serve();
  const open = clientOf(serving.url);
  expect((await open.tokens.listTokens({})).tokens).toEqual([]);
  const early = await refusalOf(open.tokens.createToken({ name: "ci", role: Role.OPERATOR }));
  expect([early.code, early.rawMessage]).toEqual([Code.FailedPrecondition, expect.stringContaining("admin")]);

  const secret = await secretOf(open, "alice", Role.ADMIN);
  expect((await refusalOf(open.rollouts.getRollout({}))).code).toBe(Code.Unauthenticated);
  const { tokens } = await clientOf(serving.url, secret).tokens.listTokens({});
  expect(tokens).toMatchObject([{ name: "alice", role: Role.ADMIN, regionId: "" }]);
  expect(tokens[0]?.createdAt).toBeDefined();
});

test("what is stored and logged of a token: its hash and its name, never its text", async () => {
  await using serving = await serve();
  const { admin, operator } = await createTokens(serving.url);
  await clientOf(serving.url, operator).sentinels.deploy({ sentinelId: "snt_1", image: "x" });
  await refusalOf(clientOf(serving.url, `${operator}0`).rollouts.getRollout({}));
  const { rows } = await serving.pool.query("select t::text as row, encode(t.secret_hash, 'escape') from tokens as t");
  for (const text of [admin, operator]) {
    const secret = text.split("_")[2] ?? "";
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(serving.logged.join()).not.toContain(secret);
  }
  const call = serving.logged.find((line) => line.includes("SentinelService/Deploy"));
  expect(JSON.parse(call ?? "{}")).toMatchObject({ caller: "ci", code: "ok" });
  expect(serving.logged.join()).toContain('"caller":"alice"');
});

test("names: taken once, listed in pages", async () => {
  await using serving = await serve();
  const { admin } = await createTokens(serving.url);
  const { tokens } = clientOf(serving.url, admin);
  const again = await refusalOf(tokens.createToken({ name: "ci", role: Role.VIEWER }));
  expect([again.code, again.rawMessage]).toEqual([Code.AlreadyExists, expect.stringContaining('"ci" already')]);
  const first = await tokens.listTokens({ pageSize: 3 });
  const last = await tokens.listTokens({ pageSize: 3, pageToken: first.nextPageToken });
  expect([...first.tokens, ...last.tokens].map(({ name }) => name)).toEqual(["agent-eu-1", "alice", "ci", "viewer"]);
  expect(last.nextPageToken).toBe("");
});

test("the last admin: not revoked while there are others, then with it the server is open again", async () => {
  await using serving = await serve();
  const { admin } = await createTokens(serving.url);
  const { tokens } = clientOf(serving.url, admin);
  const refused = await refusalOf(tokens.revokeToken({ name: "alice" }));
  expect([refused.code, refused.rawMessage]).toEqual([
    Code.FailedPrecondition,
    expect.stringContaining("last admin's token while there are others"),
  ]);
  expect((await refusalOf(tokens.revokeToken({ name: "nobody" }))).code).toBe(Code.NotFound);
  for (const name of ["viewer", "ci", "agent-eu-1", "alice"]) await tokens.revokeToken({ name });
  expect((await clientOf(serving.url).tokens.listTokens({})).tokens).toEqual([]);
});

test("two admins revoke each other at the same instant: one of them stays", async () => {
  await using serving = await serve();
  const { admin } = await createTokens(serving.url);
  const bob = await secretOf(clientOf(serving.url, admin), "bob", Role.ADMIN);
  await Promise.allSettled([
    clientOf(serving.url, admin).tokens.revokeToken({ name: "bob" }),
    clientOf(serving.url, bob).tokens.revokeToken({ name: "alice" }),
  ]);
  const { rows } = await serving.pool.query("select name from tokens where role = 'admin'");
  expect(rows).toHaveLength(1);
});

test("a token of the environment: an admin's without a table, under any address", async () => {
  await using serving = await serve({ host: "0.0.0.0", adminToken: ADMIN_TOKEN });
  expect((await refusalOf(clientOf(serving.url).rollouts.getRollout({}))).code).toBe(Code.Unauthenticated);
  const env = clientOf(serving.url, ADMIN_TOKEN);
  const agent = await secretOf(env, "agent-eu-1", Role.AGENT, "eu-1");
  expect((await refusalOf(clientOf(serving.url, agent).rollouts.getRollout({}))).code).toBe(Code.PermissionDenied);
  await env.tokens.revokeToken({ name: "agent-eu-1" });
  expect((await env.tokens.listTokens({})).tokens).toEqual([]);
});

test("an address that others reach: not without a token; the only one is not revoked there", async () => {
  await expect(serve({ host: "0.0.0.0" })).rejects.toThrow(/HYDRA_ADMIN_TOKEN.*hydra tokens create/);
  await using serving = await serve();
  const admin = await secretOf(clientOf(serving.url), "alice", Role.ADMIN);
  const other = await startServer({ ...otherServer(serving), host: "0.0.0.0" });
  try {
    const refused = await refusalOf(clientOf(other.url, admin).tokens.revokeToken({ name: "alice" }));
    expect([refused.code, refused.rawMessage]).toEqual([
      Code.FailedPrecondition,
      expect.stringContaining("only token"),
    ]);
    // From the machine where it may: the other server is closed to everybody, not open.
    await clientOf(serving.url, admin).tokens.revokeToken({ name: "alice" });
    await eventually(async () => {
      const { code, rawMessage } = await refusalOf(clientOf(other.url).rollouts.getRollout({}));
      return code === Code.Unauthenticated && rawMessage.includes("no tokens any more");
    });
  } finally {
    await other.stop();
  }
});

test("revoked and created on another server: counts here within two seconds, and open streams end", async () => {
  await using serving = await serve();
  const other = await startServer(otherServer(serving));
  try {
    const { admin, viewer } = await createTokens(serving.url);
    await eventually(async () => (await refusalOf(clientOf(other.url).rollouts.getRollout({}))).code !== Code.Unknown);
    await eventually(
      async () => (await refusalOf(clientOf(other.url, viewer).rollouts.getRollout({}))).code === Code.Unknown,
    );
    const stream = clientOf(other.url, viewer).rollouts.watch({})[Symbol.asyncIterator]();
    await stream.next();
    const end = refusalOf(drain(stream));
    await clientOf(serving.url, admin).tokens.revokeToken({ name: "viewer" });
    const { code, rawMessage } = await end;
    expect([code, rawMessage]).toEqual([Code.Unauthenticated, 'token "viewer" was revoked']);
    expect((await refusalOf(clientOf(other.url, viewer).rollouts.getRollout({}))).code).toBe(Code.Unauthenticated);
  } finally {
    await other.stop();
  }
});

test("a stream of nobody's from before there were tokens: ends with the first one", async () => {
  await using serving = await serve();
  const stream = clientOf(serving.url).rollouts.watch({})[Symbol.asyncIterator]();
  await stream.next();
  const end = refusalOf(drain(stream));
  await secretOf(clientOf(serving.url), "alice", Role.ADMIN);
  expect((await end).rawMessage).toContain("has got tokens");
});

test("an expired token: refused by name, its streams end, and the server stays closed", async () => {
  await using serving = await serve();
  const { admin } = await createTokens(serving.url);
  const { secret } = await clientOf(serving.url, admin).tokens.createToken({
    name: "brief",
    role: Role.VIEWER,
    expiresIn: { seconds: 60n },
  });
  const brief = clientOf(serving.url, secret);
  const stream = brief.rollouts.watch({})[Symbol.asyncIterator]();
  await stream.next();
  const end = refusalOf(drain(stream));
  // As if a minute had gone by.
  await serving.pool.query("update tokens set expires_at = now() where name = 'brief'");
  await serving.pool.query("update token_changes set version = version + 1");
  expect((await end).rawMessage).toContain('token "brief" has expired');
  expect((await refusalOf(brief.rollouts.getRollout({}))).rawMessage).toContain('token "brief" has expired');
  expect((await clientOf(serving.url, admin).tokens.listTokens({})).tokens).toHaveLength(5);
});

test("a token that is used: the table says when, to the minute", async () => {
  await using serving = await serve();
  const { viewer } = await createTokens(serving.url);
  await clientOf(serving.url, viewer).rollouts.getRollout({});
  const used = () => serving.pool.query("select last_used_at from tokens where name in ('viewer', 'ci') order by name");
  const { rows } = await eventually(async () => {
    const found = await used();
    return found.rows[1]?.last_used_at ? found : false;
  });
  expect(rows[0].last_used_at).toBeNull();
  expect(rows[1].last_used_at.getSeconds()).toBe(0);
});

test("a database that is away: known tokens go on working, unknown ones are refused", async () => {
  await using serving = await serve();
  const { viewer } = await createTokens(serving.url);
  await serving.pool.query("alter table tokens rename to tokens_away");
  await serving.pool.query("alter table token_changes rename to token_changes_away");
  await eventually(() => serving.logged.some((line) => line.includes("reading tokens failed")));
  await clientOf(serving.url, viewer).rollouts.getRollout({});
  expect((await refusalOf(clientOf(serving.url, `${viewer}0`).rollouts.getRollout({}))).code).toBe(
    Code.Unauthenticated,
  );
});

test("an agent's token: its own region alone, streaming and reporting, and nothing else", async () => {
  await using serving = await serve();
  const { agent, admin } = await createTokens(serving.url);
  const { cluster, rollouts } = clientOf(serving.url, agent);
  const self = (regionId: string) => ({ agent: { regionId, clusterUid: "uid", version: "1" } });
  await cluster.reportObservedState(self("eu-1"));
  for await (const message of cluster.watchDesiredState(self("eu-1"))) if (message.fullSyncEnd) break;
  const elsewhere = 'token "agent-eu-1" speaks for region "eu-1", not for "us-1"';
  for (const call of [
    cluster.reportObservedState(self("us-1")),
    drain(cluster.watchDesiredState(self("us-1"))[Symbol.asyncIterator]()),
  ]) {
    const { code, rawMessage } = await refusalOf(call);
    expect([code, rawMessage]).toEqual([Code.PermissionDenied, expect.stringContaining(elsewhere)]);
  }
  expect((await refusalOf(rollouts.getRollout({}))).rawMessage).toContain("takes the role viewer");
  await clientOf(serving.url, admin).cluster.reportObservedState(self("us-1"));
});

test("calls with a token, let in or not: none of them asks the database about it", async () => {
  await using serving = await serve();
  const { viewer, agent } = await createTokens(serving.url);
  let taken = 0;
  serving.pool.on("acquire", () => (taken += 1));
  // Listing services needs no database of its own.
  const client = clientOf(serving.url, viewer);
  const others = [clientOf(serving.url, agent), clientOf(serving.url, `${viewer}0`), clientOf(serving.url)];
  const startedAt = performance.now();
  for (let i = 0; i < 50; i++) {
    await client.engine.listServices({});
    for (const { engine } of others) await refusalOf(engine.listServices({}));
  }
  // The tokens are looked at by the clock (T2), and uses are written behind.
  const looks = Math.ceil((performance.now() - startedAt) / 1_000) + 1;
  expect(taken).toBeLessThanOrEqual(2 * looks);
});

async function drain(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}

/** Another server on the same database and, since it is the same process, the same engine. */
function otherServer({ engine, pool, databaseUrl, log }: Awaited<ReturnType<typeof serve>>) {
  return { engine, pool, databaseUrl, log, host: "127.0.0.1", port: 0, version: "0.0.0-test", graceMs: 1_000 };
}
