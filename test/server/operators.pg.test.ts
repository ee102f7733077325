import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "../../src/engine/index.ts";
import { rolloutHandlers } from "../../src/rollout/index.ts";
import { type RunningServer, startServer } from "../../src/server/index.ts";
import { createDatabase } from "../support/database.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { post } from "./serving.ts";

// What operators do with curl, on the real handlers, as far as it needs no
// agent: what is refused, in which words, and that nothing is left of it.

refuseLeaks();

const WEBHOOK = "https://hooks.slack.com/services/T0/B0/secret";

let stack: AsyncDisposableStack;
let server: RunningServer;
let pool: pg.Pool;
const logged: string[] = [];

beforeAll(async () => {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createDatabase());
  const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
  const handlers = rolloutHandlers({ deployTimeoutMs: 60_000, allowedWebhookHosts: [], hasDefaultWebhook: false, log });
  const engine = createEngine({ databaseUrl: database.url, handlers, log });
  await engine.start();
  parts.defer(() => engine.stop());
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on("connect", (client) => client.on("error", () => {}));
  parts.defer(() => pool.end());
  const address = { host: "127.0.0.1", port: 0 };
  server = await startServer({ engine, pool, databaseUrl: database.url, ...address, log, version: "0.0.0-test" });
  parts.defer(() => server.stop());
  stack = parts.move();
});

afterAll(() => stack.disposeAsync());

async function ask(path: string, body: object, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const response = await post(`${server.url}/hydra.v1.${path}`, JSON.stringify(body), headers);
  return [response.status, await response.json()];
}

const refused = (code: number, message: unknown) => [code, { code, message, source: "invocation" }];

describe("before any rollout", () => {
  test.each([
    ["Resume", "no paused rollout to resume"],
    ["Cancel", "no active rollout"],
  ])("%s: 409 in the original's words, on /send and Connect too", async (handler, words) => {
    const sentence = expect.stringMatching(`^${words}`);
    expect(await ask(`SentinelRolloutService/singleton/${handler}`, {})).toEqual(refused(409, sentence));
    expect(await ask(`SentinelRolloutService/singleton/${handler}/send`, {})).toEqual(refused(409, sentence));
    expect(await ask(`SentinelRolloutService/${handler}`, {})).toEqual([
      400,
      { code: "failed_precondition", message: sentence },
    ]);
  });

  test.each<[string, object, RegExp]>([
    ["no image", {}, /^image is required/],
    ["a bad image", { image: "a b" }, /image/],
    ["waves that do not end at 100", { image: "a/b:1", wave_percentages: [10, 50] }, /100/],
    [
      "thousands of waves",
      { image: "a/b:1", wave_percentages: Array.from({ length: 5_000 }, () => 1) },
      /wave_percentages/,
    ],
    ["a webhook elsewhere", { image: "a/b:1", slack_webhook_url: "https://evil.example/secret" }, /webhook/],
  ])("Rollout with %s: 400, the same on Connect", async (_what, body, words) => {
    const sentence = expect.stringMatching(words);
    expect(await ask("SentinelRolloutService/singleton/Rollout", body)).toEqual(refused(400, sentence));
    expect(await ask("SentinelRolloutService/Rollout", body)).toEqual([
      400,
      { code: "invalid_argument", message: sentence },
    ]);
  });

  test.each([
    ["nobody", 404],
    ["snt 1", 400],
    ["snt/1", 400],
    ["-snt", 400],
  ])("Deploy of %s: %d", async (id, status) => {
    const answer = await ask(`SentinelService/${encodeURIComponent(id)}/Deploy`, { image: "a/b:1" });
    expect(answer).toEqual(refused(status, expect.stringContaining("sentinel")));
  });
});

test("a rollout over an empty fleet: completed, its webhook nowhere but in its table", async () => {
  const body = { image: "ghcr.io/acme/sentinel:v1", slack_webhook_url: WEBHOOK };
  const headers = { authorization: "Bearer some-token", "idempotency-key": "first" };
  const first = await ask("SentinelRolloutService/singleton/Rollout", body, headers);
  expect(first).toEqual([200, { state: "SENTINEL_ROLLOUT_STATE_COMPLETED", rolloutId: expect.any(String) }]);
  expect(await ask("SentinelRolloutService/Rollout", body, headers)).toEqual(first);
  expect(logged.join("")).not.toMatch(/hooks\.slack|some-token/);
  const { rows } = await pool.query<{ leaks: number }>(
    "select count(*)::int as leaks from engine.invocations as i where i::text like '%hooks.slack%' or i::text like '%some-token%'",
  );
  expect(rows).toEqual([{ leaks: 0 }]);
  expect(await ask("SentinelRolloutService/singleton/RollbackAll", {})).toEqual(
    refused(409, expect.stringMatching(/^cannot rollback in state /)),
  );
});
