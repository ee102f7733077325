import { expect, test } from "vitest";
import { readRollout, startNotifier } from "../../src/rollout/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { quietLog } from "../support/quiet-log.ts";
import { WebhookServer } from "../support/webhook-server.ts";
import { converges, failingOn } from "./test-agent.ts";
import { NEW, OLD, World } from "./world.ts";

refuseLeaks();

/** Messages of the rollouts of a world go out until the end of its scope. */
function notify({ engine, pool }: World) {
  const durations = { pollMs: 20, firstRetryMs: 20, longestRetryMs: 100, longestRepeatMs: 100, stopGraceMs: 200 };
  const notifier = startNotifier({ engine, pool, log: quietLog, allowedWebhookHosts: ["127.0.0.1"], durations });
  return {
    /** Waits until a rollout (the latest) has none left. */
    async allSent(id?: string): Promise<void> {
      await eventually(async () => expect((await readRollout(pool, id))?.notifications?.waiting).toBe(0));
    },
    stop: () => notifier.stop(),
    [Symbol.asyncDispose]: () => notifier.stop(),
  };
}

/** Sections without what is in all of them, and without times. */
function sectionsOf({ received }: WebhookServer): string[] {
  return received.map(({ header, section }) => {
    const lines = section.split("\n").filter((line) => !/^\*(Image|Rollout|Next)\*/.test(line));
    return [header, ...lines].join("\n").replaceAll(/ · [^·\n]*?( since the start)?$/gm, "");
  });
}

const ALLOWED = { allowedWebhookHosts: ["127.0.0.1"] };

test("a rollout with failures, paused and resumed: each message tells how things stood at its event", async () => {
  await using server = await WebhookServer.start();
  await using world = await World.create({ sentinels: 8, ...ALLOWED });
  world.agent.behaviour = failingOn(NEW, "snt_01", "snt_02", "snt_03", "snt_04", "snt_05", "snt_06");
  await (
    await world.rollout({ slackWebhookUrl: server.url(), wavePercentages: [75, 100] })
  ).answer;
  await (
    await world.resume()
  ).answer;
  // Sent only now, and after one has recovered: what it tells of is the past.
  await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
  expect(await world.target("snt_01")).toMatchObject({ status: "ready" });
  await using messages = notify(world);
  await messages.allSent();
  const failing = "• `crash_loop` `snt_01`, `snt_02`, `snt_03`, `snt_04`, `snt_05` and 1 more – `back-off restarting`";
  expect(sectionsOf(server)).toEqual([
    "Rollout started\n8 sentinels, in waves up to 75, 100 %",
    "Wave 1 of 2 started\n6 sentinels, up to 75 % of all\nIn all: 0 of 8 ready (0 %)",
    `Wave 1 of 2 completed\nThis wave: 0 of 6 ready (0 %), 6 failed\n${failing}\nIn all: 0 of 8 ready (0 %), 6 failed`,
    "Rollout paused in wave 1 of 2\n*Reason* `6 of 6 sentinels of the wave failed`\n" +
      `In all: 0 of 8 ready (0 %), 6 failed\n${failing}`,
    "Rollout resumed\nIn all: 0 of 8 ready (0 %), 6 failed",
    "Wave 2 of 2 started\n2 sentinels, up to 100 % of all\nIn all: 0 of 8 ready (0 %), 6 failed",
    "Wave 2 of 2 completed\nThis wave: 2 of 2 ready (100 %)\nIn all: 2 of 8 ready (25 %), 6 failed",
    `Rollout completed\nIn all: 2 of 8 ready (25 %), 6 failed\n${failing}`,
  ]);
  expect(await world.rows("select 1 from webhooks")).toEqual([]);
});

test("a rollback in which one does not come back: told with the reason", async () => {
  await using server = await WebhookServer.start();
  await using world = await World.create({ sentinels: 4, ...ALLOWED });
  world.agent.behaviour = failingOn(NEW, "snt_04");
  await (
    await world.rollout({ slackWebhookUrl: server.url(), wavePercentages: [100] })
  ).answer;
  await (
    await world.cancel()
  ).answer;
  world.agent.behaviour = failingOn(OLD, "snt_02");
  await (
    await world.rollbackAll()
  ).answer;
  world.agent.behaviour = converges;
  await (
    await world.rollbackAll()
  ).answer;
  await using messages = notify(world);
  await messages.allSent();
  expect(sectionsOf(server).slice(-5)).toEqual([
    "Rollout cancelled\nIn all: 3 of 4 ready (75 %), 1 failed\n• `crash_loop` `snt_04` – `back-off restarting`",
    "Rollback started\nIn all: 3 of 4 ready (75 %), 1 failed",
    "Rollback completed\n2 sentinels back on the previous image\n" +
      "In all: 1 of 4 ready (25 %), 1 failed, 2 reverted\n• `crash_loop` `snt_02` – `back-off restarting`",
    "Rollback started\nIn all: 1 of 4 ready (25 %), 1 failed, 2 reverted",
    "Rollback completed\n1 sentinel back on the previous image\nIn all: 0 of 4 ready (0 %), 1 failed, 3 reverted",
  ]);
});

test("a webhook that never answers: the rollout is completed meanwhile", async () => {
  await using server = await WebhookServer.start();
  server.reply = () => "hang";
  await using world = await World.create({ sentinels: 5, ...ALLOWED });
  await using messages = notify(world);
  await (
    await world.rollout({ slackWebhookUrl: server.url() })
  ).answer;
  expect((await world.latest()).state).toBe("completed");
  await eventually(() => server.headers.length > 0);
  await messages.stop();
  expect(server.headers).toEqual(["Rollout started"]);
});

test("another rollout has started while messages of the one before wait: they still go to its webhook, which then is forgotten", async () => {
  await using server = await WebhookServer.start();
  server.reply = ({ path }) => ({ status: path === "/first" ? 503 : 200 });
  await using world = await World.create({ sentinels: 2, ...ALLOWED });
  await using messages = notify(world);
  world.agent.behaviour = failingOn(NEW, "snt_01");
  const { rolloutId: first } = await (await world.rollout({ slackWebhookUrl: server.url("/first") })).answer;
  await (
    await world.cancel()
  ).answer;
  const { rolloutId: second } = await (await world.rollout({ slackWebhookUrl: server.url("/second") })).answer;
  const stored = async () =>
    (await world.rows("select rollout_id from webhooks order by url")).map((row) => row["rollout_id"]);
  await messages.allSent(second);
  expect(await stored()).toEqual([first, second]);
  server.reply = () => ({ status: 200 });
  await messages.allSent(first);
  expect(await stored()).toEqual([second]);
  expect(server.received.filter(({ path, reply }) => path === "/first" && reply !== "hang").at(-1)?.header).toBe(
    "Rollout cancelled",
  );
});

test("another rollout starts when no message of the one before waits: its webhook is forgotten at once", async () => {
  await using server = await WebhookServer.start();
  await using world = await World.create({ sentinels: 2, ...ALLOWED });
  await using messages = notify(world);
  world.agent.behaviour = failingOn(NEW, "snt_01");
  await (
    await world.rollout({ slackWebhookUrl: server.url() })
  ).answer;
  await (
    await world.cancel()
  ).answer;
  await messages.allSent();
  expect(await world.rows("select 1 from webhooks")).toHaveLength(1);
  await (
    await world.rollout()
  ).answer;
  expect(await world.rows("select 1 from webhooks")).toEqual([]);
});
