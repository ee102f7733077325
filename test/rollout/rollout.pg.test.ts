import { describe, expect, test } from "vitest";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { openWebhook, webhookKeyFrom } from "../../src/rollout/index.ts";
import { failingOn, silentOn } from "./test-agent.ts";
import { addSentinels, NEW, OLD, refusal, REQUEST_ID, World } from "./world.ts";

const { COMPLETED, PAUSED } = SentinelRolloutState;

describe("Rollout", () => {
  test("a healthy fleet: visited in waves, completed, each sentinel changed once with one outcome", async () => {
    await using world = await World.create({ sentinels: 4 });
    const { answer } = await world.rollout({ wavePercentages: [25, 100] });
    expect(await answer).toMatchObject({ state: COMPLETED, rolloutId: (await world.latest()).id });
    const events = await world.events();
    expect(events.slice(0, 6)).toEqual([
      "rollout_started",
      "wave_started 0",
      "sentinel_deploying snt_01",
      "sentinel_ready snt_01",
      "wave_completed 0",
      "wave_started 1",
    ]);
    expect(events.slice(-2)).toEqual(["wave_completed 1", "rollout_completed 1"]);
    expect(events.filter((event) => event.startsWith("sentinel_ready"))).toHaveLength(4);
    expect(events).toHaveLength(2 + 2 * 2 + 4 * 2);
    for (const id of ["snt_01", "snt_02", "snt_03", "snt_04"]) {
      expect(await world.sentinel(id)).toMatchObject({
        image: NEW,
        deploy_status: "ready",
        generation: "2",
        deploy_number: "1",
      });
      expect(await world.target(id)).toMatchObject({ status: "ready", previous_image: OLD });
    }
  });

  test("its events: numbered without gaps, counts as of each, and one change of desired state per sentinel", async () => {
    await using world = await World.create({ sentinels: 6 });
    await (
      await world.rollout({ wavePercentages: [50, 100] })
    ).answer;
    const events = await world.rows<Record<string, number | string | null>>(
      "select * from rollout_events order by sequence",
    );
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, i) => i + 1));
    const ready = events.filter(({ type, wave_index }) => type === "sentinel_ready" && wave_index === 1);
    expect(ready.map(({ wave_ready, wave_size, wave_failed }) => [wave_ready, wave_size, wave_failed])).toEqual([
      [1, 3, 0],
      [2, 3, 0],
      [3, 3, 0],
    ]);
    const changes = await world.rows<{ version: string; sentinel_id: string }>(
      "select version, sentinel_id from desired_changes order by version",
    );
    expect(changes.map(({ version }) => Number(version))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(changes.map(({ sentinel_id }) => sentinel_id)).size).toBe(6);
  });

  test("an empty fleet: completed at once", async () => {
    await using world = await World.create({ sentinels: 0 });
    expect((await (await world.rollout()).answer).state).toBe(COMPLETED);
    expect(await world.events()).toEqual(["rollout_started", "rollout_completed"]);
  });

  test("all sentinels on the image: refused as a conflict, nothing written", async () => {
    await using world = await World.create({ sentinels: 2 });
    expect(await refusal(world.rollout({ image: OLD }))).toEqual({
      kind: "conflict",
      message: `all sentinels are already on image ${OLD}`,
    });
    expect(await world.rows("select id from rollouts union all select id::text from engine.invocations")).toEqual([]);
    expect(await world.events()).toEqual([]);
  });

  test("a sentinel that failed on the image: is tried again, without another generation", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_02");
    expect((await (await world.rollout({ wavePercentages: [100] })).answer).state).toBe(PAUSED);
    await (
      await world.cancel()
    ).answer;
    world.agent.behaviour = ({ image }) => ({ runningImage: image });
    expect((await (await world.rollout()).answer).state).toBe(COMPLETED);
    expect(await world.targets()).toEqual({ snt_02: "ready" });
    expect(await world.sentinel("snt_02")).toMatchObject({ generation: "2", deploy_number: "2" });
  });

  test("standby and archived sentinels: are no targets", async () => {
    await using world = await World.create({ sentinels: 3 });
    await world.rows(
      "update sentinels set desired_state = case id when 'snt_01' then 'standby' else 'archived' end where id < 'snt_03'",
    );
    await (
      await world.rollout()
    ).answer;
    expect(await world.targets()).toEqual({ snt_03: "ready" });
  });

  test("a target fails: the wave's others finish, then the rollout is paused and the call returns", async () => {
    await using world = await World.create({ sentinels: 5 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    const { answer } = await world.rollout({ wavePercentages: [40, 100] });
    expect((await answer).state).toBe(PAUSED);
    expect(await world.targets()).toEqual({
      snt_01: "failed",
      snt_02: "ready",
      snt_03: "pending",
      snt_04: "pending",
      snt_05: "pending",
    });
    expect(await world.latest()).toMatchObject({
      state: "paused",
      reason: "1 of 2 sentinels of the wave failed",
      current_wave: 0,
    });
    expect((await world.events()).slice(-2)).toEqual(["wave_completed 0", "rollout_paused 0"]);
    expect(await world.target("snt_01")).toMatchObject({ reason: "back-off restarting" });
  });

  test("nothing is reported in time: the sentinel has failed with class timeout", async () => {
    await using world = await World.create({ sentinels: 1, deployTimeoutMs: 50 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    expect((await (await world.rollout()).answer).state).toBe(PAUSED);
    expect(await world.sentinel("snt_01")).toMatchObject({
      deploy_status: "failed",
      deploy_reason: "not ready within 50ms: no agent connected for region test, never seen",
      deploy_reason_class: "timeout",
      deploy_awakeable: null,
    });
    expect(await world.rows("select reason_class from rollout_events where type = 'sentinel_failed'")).toEqual([
      { reason_class: "timeout" },
    ]);
  });

  test("a sentinel deleted, one archived and one added while a wave runs: two skipped, no failure, the new one not visited", async () => {
    await using world = await World.create({ sentinels: 4 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    const { answer } = await world.rollout({ wavePercentages: [25, 100] });
    await world.inFlight("snt_01");
    await addSentinels(world.pool, 5);
    await world.rows("delete from sentinels where id = 'snt_02'");
    await world.rows("update sentinels set desired_state = 'archived' where id = 'snt_03'");
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    expect((await answer).state).toBe(COMPLETED);
    expect(await world.targets()).toEqual({ snt_01: "ready", snt_02: "skipped", snt_03: "skipped", snt_04: "ready" });
    expect(await world.target("snt_02")).toMatchObject({ reason: "the sentinel was deleted" });
    expect(await world.target("snt_03")).toMatchObject({ reason: "the sentinel is archived" });
    const [wave] = await world.rows("select ready, failed, skipped, in_flight from rollout_waves where wave_index = 1");
    expect(wave).toEqual({ ready: 1, failed: 0, skipped: 2, in_flight: 0 });
  });

  test("what is logged: the three messages, each once, with what operators grep for", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    const { answer } = await world.rollout({ wavePercentages: [100] });
    const { rolloutId } = await answer;
    expect(world.logged).toEqual([
      {
        message: "starting sentinel rollout",
        fields: { requestId: REQUEST_ID, rolloutId, image: NEW, total: 2, wavePercentages: [100] },
      },
      { message: "starting wave", fields: { requestId: REQUEST_ID, rolloutId, wave: 0, image: NEW, size: 2 } },
      {
        message: "sentinel deploy failed",
        fields: {
          requestId: REQUEST_ID,
          rolloutId,
          wave: 0,
          sentinelId: "snt_01",
          image: NEW,
          reason: "back-off restarting",
        },
      },
    ]);
  });

  test.each([
    [{ image: "" }, "image is required"],
    [{ image: "A B" }, "not a valid image reference"],
    [{ wavePercentages: [50] }, "wave_percentages"],
    [{ slackWebhookUrl: "https://evil.test/x" }, "slack_webhook_url"],
  ])("%j: refused as invalid, nothing written", async (request, words) => {
    await using world = await World.create({ sentinels: 1 });
    const { kind, message } = await refusal(world.rollout(request));
    expect(kind).toBe("invalid");
    expect(message).toContain(words);
    expect(await world.rows("select 1 from engine.invocations")).toEqual([]);
  });
});

describe("a webhook", () => {
  const URL = "https://hooks.slack.com/services/T0/B0/topsecret";

  test("with a secret key: encrypted in its own table, and nowhere else in the database", async () => {
    await using world = await World.create({ sentinels: 1, secretKey: "a secret of sixteen" });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    const { rolloutId } = await (await world.rollout({ slackWebhookUrl: URL })).answer;
    const [webhook] = await world.rows<{ url: Buffer; encrypted: boolean }>("select url, encrypted from webhooks");
    const sealed = { bytes: webhook?.url ?? Buffer.alloc(0), encrypted: webhook?.encrypted ?? false };
    expect(openWebhook(sealed, rolloutId, webhookKeyFrom("a secret of sixteen"))).toBe(URL);
    expect(await tablesWith(world, "topsecret")).toEqual([]);
  });

  test("without one: as it is, in that table only", async () => {
    await using world = await World.create({ sentinels: 1 });
    await (
      await world.rollout({ slackWebhookUrl: URL })
    ).answer;
    const urls = await world.rows<{ url: Buffer }>("select url from webhooks");
    expect(urls.map(({ url }) => String(url))).toEqual([URL]);
    expect(await tablesWith(world, "topsecret")).toEqual([]);
  });

  test("of its own or the server's: the events that people are told of are in the outbox, in the commit of the event", async () => {
    await using world = await World.create({ sentinels: 2, hasDefaultWebhook: true });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    await (
      await world.rollout({ wavePercentages: [50, 100] })
    ).answer;
    await (
      await world.resume()
    ).answer;
    const told = await world.rows<{ type: string }>(
      "select e.type from notifications as n join rollout_events as e using (sequence, rollout_id) order by sequence",
    );
    expect(told.map(({ type }) => type)).toEqual([
      "rollout_started",
      "wave_started",
      "wave_completed",
      "rollout_paused",
      "rollout_resumed",
      "wave_started",
      "wave_completed",
      "rollout_completed",
    ]);
  });

  test("none at all: nobody is told", async () => {
    await using world = await World.create({ sentinels: 1 });
    await (
      await world.rollout()
    ).answer;
    expect(await world.rows("select 1 from notifications")).toEqual([]);
  });
});

/** Tables of which some row has a text. */
async function tablesWith(world: World, text: string): Promise<string[]> {
  const tables = await world.rows<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'engine')",
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await world.rows(`select 1 from ${name} as t where strpos(t::text, $1) > 0 limit 1`, [text]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}
