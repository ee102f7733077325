// `npm run crash`: processes that run the engine are killed with -9 at random, 1,000 times, and everything that was
// acknowledged is looked for after each. `--kills N` does it another number of times; `--seed N` draws the same kills
// again (the seed of a failure is that of its round, so `--seed N --kills 20` is enough).

import { parseArgs } from "node:util";
import { runCampaign } from "../test/engine/crash/campaign.ts";
import { CREATE_NOTES } from "../test/engine/crash/notes.ts";
import { startTestServer, withAdmin, withDatabase } from "../test/support/test-server.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, kills: { type: "string", default: "1000" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const kills = Number(values.kills);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(kills) || kills < 1) {
  console.error("usage: npm run crash -- [--seed N] [--kills N], both whole numbers");
  process.exit(2);
}

console.log(`seed ${seed}, ${kills} kills`);
const server = await startTestServer();
try {
  const databaseUrl = withDatabase(server.adminUrl, server.template);
  await withAdmin(databaseUrl, (client) => client.query(CREATE_NOTES));
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(0);
  const onRound = (tally: { kills: number; atPoints: number; calls: number }) =>
    console.log(`${tally.kills} kills, ${tally.atPoints} at a crash point; ${tally.calls} calls; ${seconds()} s`);
  await runCampaign({ databaseUrl, seed, kills, onRound });
  console.log("nothing was lost, and nothing was done twice");
} catch (error) {
  console.error(
    `${(error as Error).message}\nrepeat it: npm run crash -- --seed ${/seed (\d+)/.exec(String(error))?.[1] ?? seed} --kills 20`,
  );
  process.exitCode = 1;
} finally {
  await server.stop();
}
