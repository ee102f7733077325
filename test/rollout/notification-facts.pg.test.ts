import { expect, test } from "vitest";
import { readNotificationFacts } from "../../src/rollout/reading/index.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { Outbox } from "./outbox.ts";

refuseLeaks();

const MANY = 20_000;

// With a search per failure this takes minutes: the tables have no statistics yet, as in a rollout that has just failed.
test("20,000 sentinels failed and all but seven have recovered: the seven are told of, before the test runs out of time", async () => {
  await using outbox = await Outbox.create();
  const id = await outbox.rollout();
  await outbox.pool.query(
    `insert into rollout_events (sequence, time, rollout_id, state, type, sentinel_id, wave_index, reason, reason_class)
     select i, now(), $1, 'in_progress', case when i <= $2 then 'sentinel_failed' else 'sentinel_recovered' end,
            'snt_' || (i - 1) % $2, 0, 'no such image', 'image_pull'
       from generate_series(1, 2 * $2::int - 7) as i`,
    [id, MANY],
  );
  await outbox.pool.query("update rollout_log set event_sequence = $1", [2 * MANY]);
  await outbox.tell(id, "rollout_paused");
  await outbox.pool.query("update notifications set failed = 7");
  const facts = await readNotificationFacts(outbox.pool, 2 * MANY + 1);
  expect(facts).toMatchObject({
    failures: [{ failureClass: "image_pull", count: 7, reason: "no such image" }],
    failuresTotal: 7,
  });
  expect(facts?.failures[0]?.firstIds).toEqual([3, 4, 5, 6, 7].map((last) => `snt_1999${last}`));
});
