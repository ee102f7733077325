import { expect, test } from "vitest";
import { webhookKeyFrom } from "../../src/rollout/index.ts";
import { sealWebhook } from "../../src/rollout/webhook-secret.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { WebhookServer } from "../support/webhook-server.ts";
import { Outbox } from "./outbox.ts";

refuseLeaks();

const KEY = "a secret of sixteen";
const ALL = ["rollout_started", "wave_started", "wave_completed", "rollout_completed"];
const ALL_SENT = { sent: 4, waiting: 0, dropped: 0, lastFailure: "" };

test("two servers on one database: every message once, in order", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const one = await outbox.notifier();
  const other = await outbox.notifier();
  const ids: string[] = [];
  for (let rollout = 0; rollout < 20; rollout++) ids.push(await outbox.rollout({ url: server.url(`/${rollout}`) }));
  await Promise.all(ids.map((id) => outbox.tell(id, ...ALL)));
  for (const id of ids) await eventually(async () => expect(await outbox.status(id)).toEqual(ALL_SENT));
  for (let rollout = 0; rollout < 20; rollout++) {
    const received = server.received.filter(({ path }) => path === `/${rollout}`);
    expect(received.map(({ header, repeat }) => [header, repeat])).toEqual([
      ["Rollout started", false],
      ["Wave 1 of 0 started", false],
      ["Wave 1 of 0 completed", false],
      ["Rollout completed", false],
    ]);
  }
  expect(one.outcomes.length + other.outcomes.length).toBe(80);
});

test("a server is taken for dead while its request is under way: a peer goes on, and how the request ended later is not counted", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = () => "hang";
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  const lost = await outbox.notifier({ durations: { answerMs: 3_000 } });
  await eventually(() => server.received.length === 1);
  server.reply = () => ({ status: 200 });
  await outbox.pool.query("update engine.nodes set fenced_at = now()");
  await outbox.notifier();
  await eventually(async () => expect(await outbox.status(id)).toEqual(ALL_SENT));
  await lost.stop();
  expect(await outbox.status(id)).toEqual(ALL_SENT);
  expect(server.headers).toEqual([
    "Rollout started",
    "(Rollout started)",
    "Wave 1 of 0 started",
    "Wave 1 of 0 completed",
    "Rollout completed",
  ]);
});

test("a server that stops: ends a request that hangs, writes that down, and the next one goes on", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = () => "hang";
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  const stopping = await outbox.notifier();
  await eventually(() => server.received.length === 1);
  await stopping.stop();
  const lastFailure = "the server stopped before an answer came";
  expect(await outbox.status(id)).toEqual({ sent: 0, waiting: 4, dropped: 0, lastFailure });
  expect((await outbox.pool.query("select claim, holder, uncertain from notification_lanes")).rows).toEqual([
    { claim: null, holder: null, uncertain: true },
  ]);
  server.reply = () => ({ status: 200 });
  await outbox.notifier();
  await eventually(async () => expect(await outbox.status(id)).toEqual(ALL_SENT));
  expect(server.headers.slice(0, 3)).toEqual(["Rollout started", "(Rollout started)", "Wave 1 of 0 started"]);
});

test("a server without the key, and one without a default webhook: they leave messages to peers that have them", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const sealed = await outbox.rollout({ url: server.url("/sealed"), secretKey: KEY });
  const other = await outbox.rollout();
  await outbox.tell(sealed, ...ALL);
  await outbox.tell(other, ...ALL);
  const without = await outbox.notifier();
  const another = await outbox.notifier({ secretKey: "another secret of sixteen" });
  await outbox.notifier({ defaultWebhook: server.url("/default") });
  await eventually(async () => expect(await outbox.status(other)).toEqual(ALL_SENT));
  expect(await outbox.status(sealed)).toEqual({ sent: 0, waiting: 4, dropped: 0, lastFailure: "" });
  await outbox.notifier({ secretKey: KEY });
  await eventually(async () => expect(await outbox.status(sealed)).toEqual(ALL_SENT));
  expect(server.received.map(({ path }) => path)).toEqual([
    ...Array.from({ length: 4 }, () => "/default"),
    ...Array.from({ length: 4 }, () => "/sealed"),
  ]);
  expect([...without.outcomes, ...without.logged, ...another.outcomes, ...another.logged]).toEqual([]);
});

test("no server can send them for as long as they are kept: given up one by one, with what would have to be set", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const sealed = await outbox.rollout({ url: server.url(), secretKey: KEY });
  const withoutDefault = await outbox.rollout();
  const notAllowed = await outbox.rollout({ url: "http://chat.example.com/topsecret" });
  const gone = await outbox.rollout({ url: server.url() });
  await outbox.pool.query("delete from webhooks where rollout_id = $1", [gone]);
  const ids = [sealed, withoutDefault, notAllowed, gone];
  for (const id of ids) await outbox.tell(id, "rollout_started", "rollout_completed");
  const notifier = await outbox.notifier({ durations: { giveUpMs: 0 } });
  for (const id of ids) {
    await eventually(async () => expect(await outbox.status(id)).toMatchObject({ waiting: 0, dropped: 2 }));
  }
  const failures = await Promise.all(ids.map(async (id) => (await outbox.status(id)).lastFailure));
  expect(failures).toEqual([
    "its webhook is encrypted: set HYDRA_SECRET_KEY to the key that it was stored with",
    "this server has no webhook: set HYDRA_SLACK_WEBHOOK_URL",
    "its host is not allowed: list it in HYDRA_WEBHOOK_ALLOWED_HOSTS",
    "its webhook is no longer stored",
  ]);
  expect(server.received).toEqual([]);
  expect(notifier.logged).toHaveLength(8);
  expect(JSON.stringify(notifier.logged)).not.toMatch(/topsecret|chat\.example/);
});

test("a webhook that repeats its address in every way: no part of it in a table, a log line or the status", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const replies = [
    { status: 500, body: "cannot post topsecret" },
    { status: 503, headers: { "x-topsecret": "topsecret" }, body: "/hook/topsecret" },
    { status: 404, body: "topsecret" },
  ];
  server.reply = () => replies.shift() ?? "cut";
  const id = await outbox.rollout({ url: server.url("/hook/topsecret?token=topsecret") });
  await outbox.tell(id, ...ALL);
  const notifier = await outbox.notifier();
  await eventually(async () => expect(await outbox.status(id)).toMatchObject({ waiting: 0, dropped: 4 }));
  expect(replies).toEqual([]);
  expect(JSON.stringify([notifier.logged, await outbox.status(id)])).not.toMatch(/topsecret|127\.0\.0\.1/);
  expect(await outbox.tablesWith("topsecret")).toEqual([]);
});

test("the database is away for a moment: nothing is lost, and the notifier says so once", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const notifier = await outbox.notifier();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.pool.query("alter table notifications rename to notifications_away");
  await eventually(() => notifier.logged.length === 1);
  await outbox.pool.query("alter table notifications_away rename to notifications");
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect(await outbox.status(id)).toEqual(ALL_SENT));
  expect(notifier.logged.map(({ message }) => message)).toEqual([
    "messages to webhooks cannot be sent now; it is tried again",
  ]);
});

test("a webhook that is sealed for another rollout: not opened", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const id = await outbox.rollout({ url: server.url(), secretKey: KEY });
  const { bytes } = sealWebhook(server.url(), "rol_other", webhookKeyFrom(KEY));
  await outbox.pool.query("update webhooks set url = $1", [bytes]);
  await outbox.tell(id, "rollout_completed");
  await outbox.notifier({ secretKey: KEY, durations: { giveUpMs: 0 } });
  await eventually(async () => expect(await outbox.status(id)).toMatchObject({ dropped: 1 }));
  expect(server.received).toEqual([]);
});

test("many rollouts whose webhook this server lacks, before one that it has: that one's messages are sent", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  for (let rollout = 0; rollout < 70; rollout++) await outbox.tell(await outbox.rollout(), "rollout_started");
  await outbox.notifier();
  await eventually(async () => expect(await outbox.status(id)).toEqual(ALL_SENT));
  expect(server.received).toHaveLength(4);
});
