import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import type { ColumnType } from "../../src/engine/index.ts";
import { abandonRollout } from "../../src/rollout/effects/abandon-rollout.ts";
import { admitDeploy } from "../../src/rollout/effects/admit-deploy.ts";
import { beginDeploy } from "../../src/rollout/effects/begin-deploy.ts";
import { beginRevert } from "../../src/rollout/effects/begin-revert.ts";
import { beginTarget } from "../../src/rollout/effects/begin-target.ts";
import { claimNotification } from "../../src/rollout/effects/claim-notification.ts";
import { completeRollback } from "../../src/rollout/effects/complete-rollback.ts";
import { completeWave } from "../../src/rollout/effects/complete-wave.ts";
import { deleteSentinel } from "../../src/rollout/effects/delete-sentinel.ts";
import { endNotification } from "../../src/rollout/effects/end-notification.ts";
import { finishDeploy } from "../../src/rollout/effects/finish-deploy.ts";
import { finishRevert } from "../../src/rollout/effects/finish-revert.ts";
import { finishTarget } from "../../src/rollout/effects/finish-target.ts";
import { insertWaves } from "../../src/rollout/effects/insert-waves.ts";
import { leaveAgent } from "../../src/rollout/effects/leave-agent.ts";
import { listReverts } from "../../src/rollout/effects/list-reverts.ts";
import { cancelRollout, resumeRollout, startRollback } from "../../src/rollout/effects/operate-rollout.ts";
import { recordReport } from "../../src/rollout/effects/record-report.ts";
import { reviewSentinel } from "../../src/rollout/effects/review-sentinel.ts";
import { startWave } from "../../src/rollout/effects/start-wave.ts";
import { trimEvents } from "../../src/rollout/effects/trim-events.ts";
import { trimRollouts } from "../../src/rollout/effects/trim-rollouts.ts";
import { upsertSentinels } from "../../src/rollout/effects/upsert-sentinels.ts";
import { createDatabase } from "../support/database.ts";

// As the engine's writer connections have it.
const WRITER =
  "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";
const ARRAYS: Record<ColumnType, string> = {
  text: "text[]",
  int4: "int4[]",
  int8: "int8[]",
  bool: "bool[]",
  float8: "float8[]",
  json: "json[]",
};

// All but those two that look at the whole fleet, once a rollout.
const effects = [
  abandonRollout,
  admitDeploy,
  beginDeploy,
  beginRevert,
  beginTarget,
  cancelRollout,
  claimNotification,
  completeRollback,
  completeWave,
  deleteSentinel,
  endNotification,
  finishDeploy,
  finishRevert,
  finishTarget,
  insertWaves,
  leaveAgent,
  listReverts,
  recordReport,
  resumeRollout,
  reviewSentinel,
  startRollback,
  startWave,
  trimEvents,
  trimRollouts,
  upsertSentinels,
].map(({ name, input, statement }) => ({
  name,
  types: Object.values<ColumnType>(input).map((type) => ARRAYS[type]),
  statement,
}));

let client: pg.Client;

beforeAll(async () => {
  const database = await createDatabase();
  client = new pg.Client({ connectionString: database.url, options: WRITER });
  await client.connect();
  return async () => {
    await client.end();
    await database[Symbol.asyncDispose]();
  };
});

test.each(effects)("$name: reaches every row through an index", async ({ name, types, statement }) => {
  await client.query(`prepare ${name} (${types.join(", ")}) as ${statement}`);
  const nulls = types.map((type) => `null::${type}`).join(", ");
  const { rows } = await client.query<{ "QUERY PLAN": string }>(`explain execute ${name} (${nulls})`);
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  expect(plan).toContain("Index Scan");
  expect(plan).not.toMatch(/Seq Scan on|Hash Join|Merge Join|Hash (Left|Right|Anti|Semi)/);
  // For readers only: here it could stand for half of a key at best.
  expect(plan).not.toContain("rollout_targets_sentinel");
});
