import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { createHydraClient, tokenFromFile } from "../../src/client/index.ts";
import { createTokens } from "../server/access/token-server.ts";
import { serve } from "../server/serving.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { hydra } from "./hydra-in-process.ts";

refuseLeaks();

test("tokens create: the token alone on standard output, the rest beside it; then list and revoke", async () => {
  await using serving = await serve();
  const { url } = serving;
  const made = await hydra(url, ["tokens", "create", "alice", "--role", "admin"]);
  expect(made.printed).toEqual([expect.stringMatching(/^hydra_[0-9a-f]{16}_[0-9a-f]{64}$/)]);
  expect(made.complaints.join()).toContain("Token alice (admin) does not expire.");
  const [token = ""] = made.printed;
  const agent = ["tokens", "create", "eu", "--role", "agent", "--region", "eu-1", "--expires-in", "90d"];
  expect((await hydra(url, agent, { token })).complaints.join()).toMatch(/eu \(agent for region eu-1\) expires at 2/);
  const json = await hydra(url, ["tokens", "create", "ci", "--role", "operator", "--json"], { token });
  expect(JSON.parse(json.printed.join())).toMatchObject({
    token: { name: "ci" },
    secret: expect.stringMatching(/^hydra_/),
  });

  const listed = await hydra(url, ["tokens", "list"], { token });
  expect(listed.printed.map((line) => line.split("\t").slice(0, 3))).toEqual([
    ["alice", "admin", ""],
    ["ci", "operator", ""],
    ["eu", "agent", "eu-1"],
  ]);
  const rows = await hydra(url, ["tokens", "list", "--json"], { token });
  expect(rows.printed.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(["alice", "ci", "eu"]);
  expect(rows.printed.join()).not.toMatch(/secret|hydra_/);
  const revoked = await hydra(url, ["tokens", "revoke", "ci"], { token });
  expect(revoked).toMatchObject({ exitCode: 0, printed: [expect.stringContaining("Token ci is revoked")] });
  expect((await hydra(url, ["tokens", "list"], { token })).printed).toHaveLength(2);
});

test.each([
  [undefined, ["status"], /asks for a token: no token came with this call.*Give a token with --token or HYDRA_TOKEN/],
  ["wrong", ["status"], /not known here.*does not take the one from/],
  ["viewer", ["rollout", "acme/x:2"], /takes the role operator, token "viewer" has the role viewer/],
  ["operator", ["tokens", "list"], /takes the role admin, token "ci" has the role operator/],
  ["agent", ["status"], /takes the role viewer, token "agent-eu-1" has the role agent/],
  ["admin", ["tokens", "revoke", "nobody"], /there is no token "nobody"/],
])("with the token %s, hydra %j: refused with what to do, exit code 1", async (which, args, words) => {
  await using serving = await serve();
  const tokens: Record<string, string> = { ...(await createTokens(serving.url)), wrong: "hydra_0_wrong" };
  const token = which === undefined ? undefined : tokens[which];
  const { exitCode, complaints } = await hydra(serving.url, args, token === undefined ? {} : { token });
  expect(complaints.join()).toMatch(words);
  expect(complaints.join()).not.toContain(token ?? "Bearer hydra_");
  expect(exitCode).toBe(1);
});

test("a token that is revoked in the middle of a watch: it ends within two seconds and says why", async () => {
  await using serving = await serve();
  const { admin, viewer } = await createTokens(serving.url);
  const watching = hydra(serving.url, ["watch", "--all", "--json"], { token: viewer });
  await eventually(async () => (await streams(serving.url, admin)) > 0);
  await hydra(serving.url, ["tokens", "revoke", "viewer"], { token: admin });
  const { exitCode, complaints } = await watching;
  expect(complaints.join()).toContain('token "viewer" was revoked');
  expect(exitCode).toBe(1);
});

async function streams(url: string, token: string): Promise<number> {
  const page = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return Number(/^hydra_watch_streams\S* (\d+)/m.exec(await page.text())?.[1] ?? 0);
}

test("a token in a file: read again for each call, whatever blanks are around it", async () => {
  await using serving = await serve();
  await using directory = await createTemporaryDirectory();
  const { viewer } = await createTokens(serving.url);
  const file = path.join(directory.path, "token");
  const { rollouts } = createHydraClient({ baseUrl: serving.url, token: tokenFromFile(file) });
  await expect(rollouts.getRollout({})).rejects.toThrow(/token file .*token cannot be read \(ENOENT\)/);
  writeFileSync(file, "two words\n");
  await expect(rollouts.getRollout({})).rejects.toThrow("holds something else than one token");
  writeFileSync(file, `${viewer}\n`);
  await rollouts.getRollout({});
  expect(await hydra(serving.url, ["status"], { tokenFile: file })).toMatchObject({ exitCode: 0 });
});
