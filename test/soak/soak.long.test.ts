import { expect, test } from "vitest";
import { runSoak } from "./soak.ts";
import { summaryText } from "./summary.ts";

const OPTIONS = { sentinels: 200, troubleEveryMs: 2_000, say() {} };

test("three servers, killed, stopped and restarted while they lead rollouts: nothing is lost or done twice, and none stands still", async () => {
  // `npm run soak -- --seed N` draws the same.
  const summary = await runSoak({ ...OPTIONS, seed: Math.floor(Math.random() * 1e9), minutes: 1 / 3 });
  expect(summaryText(summary)).not.toContain("FINDING");
  expect(summary.rollouts).toBeGreaterThan(0);
  expect(Object.keys(summary.troubles)).not.toEqual([]);
});

/** Each breaks one thing that is looked at. */
const SABOTAGE = [
  "update sentinels set generation = generation + 1 where id = 'snt_000001'",
  "update rollout_targets set status = 'failed' where target = 0",
  "update rollouts set state = case state when 'completed' then 'cancelled' else 'completed' end",
  "delete from rollout_events where sequence = 3",
  "update rollout_waves set ready = ready + 1",
  "insert into engine.invocations (id, service, key, handler, exclusive, status, priority, input) values (999999, 'x', 'x', 'x', false, 'ready', 0, 'null')",
];

const SEEN = [
  /a deploy was done twice, or not at all: snt_000001/,
  /a target has not exactly the outcome that its events tell: snt_000000/,
  /callers were told (\w+), \d+ reverted, stored is (?!\1)/,
  /events have a gap/,
  /a wave counts other than its targets/,
  /an invocation is left: 999999/,
  /^a Watch delivered "3 /,
];

test("the tables of a soak, broken on purpose: it finds each breach", async () => {
  const { findings } = await runSoak({
    ...OPTIONS,
    seed: 1,
    minutes: 0.01,
    restMs: 2_000,
    async sabotage(postgres) {
      for (const sql of SABOTAGE) await postgres.change(sql);
    },
  });
  expect(findings).toEqual(expect.arrayContaining(SEEN.map((finding) => expect.stringMatching(finding))));
});
