import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { type WebhookReply, WebhookServer } from "../support/webhook-server.ts";
import { Outbox } from "./outbox.ts";

refuseLeaks();

const ALL = ["rollout_started", "wave_started", "wave_completed", "rollout_completed"];
const TITLES = ["Rollout started", "Wave 1 of 0 started", "Wave 1 of 0 completed", "Rollout completed"];
const SENT = { waiting: 0, dropped: 0, lastFailure: "" };

/** The reply to the requests with these numbers, from 1; 200 to all others. */
function toRequests(numbers: readonly number[], reply: () => WebhookReply): () => WebhookReply {
  let request = 0;
  return () => (numbers.includes(++request) ? reply() : { status: 200 });
}

const at = (ms: number) => new Date(Date.now() + ms).toUTCString();

test("a webhook that takes everything: every message once, in order; then its URL is forgotten", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const notifier = await outbox.notifier();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect(await outbox.status(id)).toEqual({ ...SENT, sent: 4 }));
  expect(server.headers).toEqual(TITLES);
  expect(server.received[0]?.path).toBe("/hook/topsecret");
  expect(await outbox.webhooks()).toEqual([]);
  expect(notifier.outcomes).toEqual(["sent", "sent", "sent", "sent"]);
  expect(notifier.logged).toEqual([]);
});

test("a webhook that takes its time: every message once, in order", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = () => ({ status: 200, afterMs: 200 });
  const notifier = await outbox.notifier();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect(await outbox.status(id)).toEqual({ ...SENT, sent: 4 }));
  expect(server.headers).toEqual(TITLES);
  expect(notifier.outcomes).toEqual(["sent", "sent", "sent", "sent"]);
});

test.each<[string, () => WebhookReply]>([
  ["429 with seconds", () => ({ status: 429, headers: { "retry-after": "1" } })],
  ["429 with a date", () => ({ status: 429, headers: { "retry-after": at(1_000) } })],
  ["429 with neither", () => ({ status: 429, headers: { "retry-after": "soon" } })],
  ["500", () => ({ status: 500 })],
  ["503 with a body without an end", () => ({ status: 503, endless: true })],
])("%s, three times: tried again until it is taken, in order and without a mark", async (_name, reply) => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = toRequests([1, 3, 4], reply);
  const notifier = await outbox.notifier();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect(await outbox.status(id)).toEqual({ ...SENT, sent: 4 }));
  expect(server.headers).toEqual([0, 0, 1, 1, 1, 2, 3].map((index) => TITLES[index]));
  expect(notifier.outcomes).toEqual(["retry", "sent", "retry", "retry", "sent", "sent", "sent"]);
  expect(notifier.logged.map(({ message }) => message)).toEqual([
    "a message to a webhook failed; it is tried again",
    "a message to a webhook failed; it is tried again",
  ]);
});

test.each([
  ["in seconds", () => "3600"],
  ["until a date", () => at(3_600_000)],
])("it wants a pause %s: none is tried before that is over", async (_name, header) => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = () => ({ status: 429, headers: { "retry-after": header() } });
  await outbox.notifier();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect((await outbox.status(id)).lastFailure).toBe("it answered 429 Too Many Requests"));
  const { rows } = await outbox.pool.query(
    "select next_try_at - last_failure_at between interval '59 minutes' and interval '1 hour' as asked_for from notification_lanes",
  );
  expect(rows).toEqual([{ asked_for: true }]);
  expect(await outbox.status(id)).toMatchObject({ sent: 0, waiting: 4 });
});

test.each<[string, WebhookReply]>([
  ["cuts the connection once it has a message", "cut"],
  ["never answers", "hang"],
])("it %s: what tells of a state is sent again and marked, what tells of progress is not", async (_name, reply) => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const seen = new Set<string>();
  server.reply = ({ header }) => (seen.size === seen.add(header).size ? { status: 200 } : reply);
  const notifier = await outbox.notifier({ durations: { answerMs: 1_000 } });
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect(await outbox.status(id)).toEqual({ ...SENT, sent: 4 }));
  expect(server.headers).toEqual([
    "Rollout started",
    "(Rollout started)",
    "Wave 1 of 0 started",
    "Wave 1 of 0 completed",
    "Rollout completed",
    "(Rollout completed)",
  ]);
  expect(notifier.outcomes).toEqual(["retry", "sent", "sent", "sent", "retry", "sent"]);
});

test("nobody listens, and later somebody does: sent then, without a mark", async () => {
  await using outbox = await Outbox.create();
  const gone = await WebhookServer.start();
  const port = Number(gone.host.split(":")[1]);
  await gone[Symbol.asyncDispose]();
  await outbox.notifier();
  const id = await outbox.rollout({ url: gone.url("/hook").replace(/:\d+/, `:${port}`) });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect((await outbox.status(id)).lastFailure).toBe("the connection was refused"));
  await using server = await WebhookServer.start(port);
  await eventually(async () => expect(await outbox.status(id)).toEqual({ ...SENT, sent: 4 }));
  expect(server.headers).toEqual(TITLES);
});

test("it is asked for TLS and has none: what tells of progress is not taken for sent", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  const notifier = await outbox.notifier({ durations: { giveUpMs: 0 } });
  const id = await outbox.rollout({ url: server.url().replace("http:", "https:") });
  await outbox.tell(id, "wave_started");
  await eventually(async () => expect(await outbox.status(id)).toMatchObject({ sent: 0, dropped: 1 }));
  expect((await outbox.status(id)).lastFailure).toMatch(/^the connection failed \([A-Z_]+\)$/);
  expect(notifier.outcomes).toEqual(["dropped"]);
});

test.each([
  ["404", { status: 404, body: "no_service" }, "it answered 404 Not Found: no_service"],
  ["a redirect", { status: 302, headers: { location: "/elsewhere" } }, "it answered 302 Found"],
])("%s: those that wait are given up with it, later ones get one try each", async (_name, reply, failure) => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = () => reply;
  const notifier = await outbox.notifier();
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () =>
    expect(await outbox.status(id)).toEqual({ sent: 0, waiting: 0, dropped: 4, lastFailure: failure }),
  );
  server.reply = () => ({ status: 500 });
  await outbox.rememberWebhook(id, server.url());
  await outbox.tell(id, "rollback_started", "rollback_completed");
  await eventually(async () => expect(await outbox.status(id)).toMatchObject({ dropped: 6, waiting: 0 }));
  expect(server.headers).toEqual(["Rollout started", "Rollback started", "Rollback completed"]);
  expect(server.received.map(({ path }) => path)).not.toContain("/elsewhere");
  const said = notifier.logged.map(({ message }) => message);
  expect(said.filter((message) => message.startsWith("a webhook refused"))).toHaveLength(1);
  expect(notifier.outcomes).toEqual(Array.from({ length: 6 }, () => "dropped"));

  server.reply = () => ({ status: 200 });
  await outbox.rememberWebhook(id, server.url());
  await outbox.tell(id, "rollout_started");
  await eventually(async () => expect(await outbox.status(id)).toMatchObject({ sent: 1, waiting: 0, lastFailure: "" }));
});

test("nobody took it for as long as it is kept: given up, each of those behind it after one try", async () => {
  await using outbox = await Outbox.create();
  await using server = await WebhookServer.start();
  server.reply = () => ({ status: 503 });
  const notifier = await outbox.notifier({ durations: { giveUpMs: 0 } });
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  const failure = "it answered 503 Service Unavailable";
  await eventually(async () =>
    expect(await outbox.status(id)).toEqual({ sent: 0, waiting: 0, dropped: 4, lastFailure: failure }),
  );
  expect(server.headers).toEqual(TITLES);
  expect(notifier.logged).toHaveLength(4);
  expect(notifier.logged[0]).toEqual({
    message: "a message to a webhook is given up",
    fields: { rolloutId: id, sequence: 1, failure },
  });
  expect(await outbox.webhooks()).toEqual([]);
});

test("webhooks of earlier rollouts hang: those of a later one are sent meanwhile", async () => {
  await using outbox = await Outbox.create();
  await using stuck = await WebhookServer.start();
  await using server = await WebhookServer.start();
  stuck.reply = () => "hang";
  await outbox.notifier();
  for (let old = 0; old < 5; old++) await outbox.tell(await outbox.rollout({ url: stuck.url() }), ...ALL);
  await eventually(() => stuck.received.length === 5);
  const id = await outbox.rollout({ url: server.url() });
  await outbox.tell(id, ...ALL);
  await eventually(async () => expect(await outbox.status(id)).toEqual({ ...SENT, sent: 4 }));
  expect(stuck.received).toHaveLength(5);
});
