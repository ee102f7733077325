import { randomInt } from "node:crypto";
import pg from "pg";
import { expect, test } from "vitest";
import { createHydraClient } from "../../src/client/index.ts";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { type WebhookReply, WebhookServer } from "../support/webhook-server.ts";
import { type HydraProcess, runHydra, startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const LIVES = 20;
/** Of 300: after all lives there is still something to do. */
const MOST_TARGETS_OF_A_LIFE = 25;
const FAILING = "snt_000123";
/** However long the lives take, no deploy fails but the one that is to. */
const PATIENT = ["--deploy-timeout", "5m"];
const FLEET = ["--sentinels", "300", "--converge", "50-500ms", "--fail", `${FAILING}=image_pull`, ...PATIENT];
/** Path of the webhook: what nobody may see. */
const SECRET = "topsecret";

type Rollouts = ReturnType<typeof createHydraClient>["rollouts"];

test("hydra killed again and again, most often when a message has just arrived: each state is told, in order, a repeat only with a mark", async () => {
  await using database = await createDatabase();
  await using webhook = await WebhookServer.start();
  const told: string[] = [];
  const start = () => startServer(database.url, webhook);
  let life: HydraProcess | undefined;
  killOnFirstDeliveries(webhook, () => life?.kill("SIGKILL"));
  for (let lives = 0; lives < LIVES; lives++) {
    await using server = start();
    life = server;
    await live(server, lives === 0 ? webhook.url(`/hook/${SECRET}`) : undefined);
    server.kill("SIGKILL");
    await server.exited;
    told.push(server.stdout(), server.stderr());
  }
  life = undefined;
  await using server = start();
  const url = await urlOf(server);
  await finish(createHydraClient({ baseUrl: url }).rollouts);
  told.push(JSON.stringify(await runHydra(["status", "--json"], { HYDRA_URL: url })));
  told.push(await (await fetch(`${url}/metrics`)).text());
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  told.push(server.stdout(), server.stderr());
  expect(told.join("\n")).not.toContain(SECRET);
  await expectEachState(database.url, webhook);
}, 240_000);

test("the default webhook is on a host that is not allowed: refused at the start with a sentence that does not show it", async () => {
  await using database = await createDatabase();
  const env = { DATABASE_URL: database.url, HYDRA_SLACK_WEBHOOK_URL: `https://chat.example.com/${SECRET}` };
  const { exit, stderr, stdout } = await runHydra(["serve", "--port", "0"], env);
  expect(exit).toBe(1);
  expect(stderr).toContain("HYDRA_SLACK_WEBHOOK_URL: its scheme or host is not allowed; accepted are");
  expect(stderr + stdout).not.toMatch(/topsecret|chat\.example/);
});

test("the default webhook never answers, and the server is told to stop: it stops, and the next one sends the message again with a mark", async () => {
  await using database = await createDatabase();
  await using webhook = await WebhookServer.start();
  webhook.reply = () => "hang";
  const env = { HYDRA_SLACK_WEBHOOK_URL: webhook.url(`/hook/${SECRET}`) };
  await using stopping = startServer(database.url, webhook, env);
  await startRollout(createHydraClient({ baseUrl: await urlOf(stopping) }).rollouts, "");
  await eventually(() => webhook.received.length === 1);
  stopping.kill("SIGTERM");
  expect(await stopping.exited).toBe(0);
  webhook.reply = () => ({ status: 200 });
  await using next = startServer(database.url, webhook, env);
  await urlOf(next);
  await eventually(() => webhook.received.length > 1, { timeoutMs: 30_000 });
  expect(webhook.headers.slice(0, 2)).toEqual(["Rollout started", "(Rollout started)"]);
  expect(stopping.stderr() + next.stderr()).not.toContain(SECRET);
  next.kill("SIGTERM");
  await next.exited;
}, 120_000);

function startServer(databaseUrl: string, webhook: WebhookServer, env: Record<string, string> = {}): HydraProcess {
  return startHydraProcess(["dev", "--port", "0", ...FLEET], {
    DATABASE_URL: databaseUrl,
    HYDRA_WEBHOOK_ALLOWED_HOSTS: webhook.host,
    HYDRA_SECRET_KEY: "a secret of sixteen",
    ...env,
  });
}

/** The answer to the first copy of a message may be lost in every way, and hydra with it. */
function killOnFirstDeliveries(webhook: WebhookServer, kill: () => void): void {
  const seen = new Set<string>();
  const replies: WebhookReply[] = ["hang", { status: 200 }, "cut", { status: 503 }];
  webhook.reply = ({ header }) => {
    if (seen.has(header)) return { status: 200 };
    seen.add(header);
    kill();
    return replies[seen.size % replies.length] ?? "cut";
  };
}

async function startRollout(rollouts: Rollouts, slackWebhookUrl: string): Promise<void> {
  rollouts.rollout({ image: "ghcr.io/acme/sentinel:v1", slackWebhookUrl }).catch(() => {});
  await eventually(async () => (await rollouts.getRollout({})).rollout?.state === SentinelRolloutState.IN_PROGRESS);
}

/** Until the server is dead, or has done a random part of the rollout; the first one starts it. */
async function live(server: HydraProcess, slackWebhookUrl: string | undefined): Promise<void> {
  let dead = false;
  void server.exited.then(() => (dead = true));
  await eventually(() => dead || server.stdout().includes("listening on"), { timeoutMs: 30_000 });
  if (dead) return;
  const { rollouts } = createHydraClient({ baseUrl: await urlOf(server) });
  if (slackWebhookUrl !== undefined) await startRollout(rollouts, slackWebhookUrl).catch(() => {});
  const goal = randomInt(MOST_TARGETS_OF_A_LIFE);
  let first: number | undefined;
  const enough = async () => {
    const { rollout } = await rollouts.getRollout({});
    await resumeIfPaused(rollouts, rollout?.state);
    const settled = (rollout?.ready ?? 0) + (rollout?.failed ?? 0);
    const nothingLeft = rollout?.state === SentinelRolloutState.COMPLETED && rollout.notifications?.waiting === 0;
    return settled >= (first ??= settled) + goal || nothingLeft;
  };
  await eventually(async () => dead || (await enough()), { timeoutMs: 30_000 });
}

/** The wave with the sentinel that fails pauses the rollout. */
async function resumeIfPaused(rollouts: Rollouts, state: SentinelRolloutState | undefined): Promise<void> {
  if (state === SentinelRolloutState.PAUSED) void rollouts.resume({}).catch(() => {});
}

async function finish(rollouts: Rollouts): Promise<void> {
  await eventually(
    async () => {
      const { rollout } = await rollouts.getRollout({});
      await resumeIfPaused(rollouts, rollout?.state);
      expect(rollout?.notifications).toMatchObject({ waiting: 0, dropped: 0, sent: 14 });
    },
    { timeoutMs: 60_000 },
  );
}

const STATES = ["Rollout started", "Rollout paused in wave", "Rollout resumed", "Rollout completed"];

async function expectEachState(databaseUrl: string, { received }: WebhookServer): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ type: string; wave_index: number | null }>(
      "select type, wave_index from rollout_events where type like 'rollout%' or type like 'wave%' order by sequence",
    );
    const events = rows.map(({ type, wave_index }) => headerOf(type, wave_index));
    const states = events.filter((header) => STATES.some((state) => header.startsWith(state)));
    const first = [...new Set(received.map(({ header }) => header))];
    expect(events).toHaveLength(14);
    // In the order of the events; only what tells of progress may be missing.
    expect(first).toEqual(events.filter((header) => first.includes(header)));
    expect(first).toEqual(expect.arrayContaining(states));
    for (const header of first) {
      const copies = received.filter((message) => message.header === header);
      const taken = copies.filter(({ reply }) => typeof reply === "string" || reply.status === 200);
      // One that it surely did not take is sent again as it was.
      expect(taken.slice(1).filter(({ repeat }) => !repeat)).toEqual([]);
      expect(taken.length).toBeLessThanOrEqual(states.includes(header) ? copies.length : 1);
    }
    expect((await client.query("select from notifications")).rowCount).toBe(0);
    expect((await client.query("select from webhooks")).rowCount).toBe(0);
    await expectNowhere(client, SECRET);
  } finally {
    await client.end();
  }
}

function headerOf(type: string, waveIndex: number | null): string {
  const wave = waveIndex === null ? "" : `${waveIndex + 1} of 5`;
  if (type.startsWith("wave")) return `Wave ${wave} ${type.slice("wave_".length)}`;
  return type === "rollout_paused" ? `Rollout paused in wave ${wave}` : `Rollout ${type.slice("rollout_".length)}`;
}

async function expectNowhere(client: pg.Client, text: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'engine')",
  );
  for (const { name } of rows) {
    const found = await client.query(`select from ${name} as t where strpos(t::text, $1) > 0 limit 1`, [text]);
    expect([name, found.rowCount]).toEqual([name, 0]);
  }
}
