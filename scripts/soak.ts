// `npm run soak`: three servers on one Postgres lead rollout after rollout while servers and Postgres are killed, stopped
// and restarted at random instants; after each rollout everything is looked at. `--minutes N` (30), `--sentinels N`
// (1,000), `--trouble-every SECONDS` (5, on average), `--seed N` draws the same again, `--json` gives the summary as JSON.
// Ends with 1 where anything was found.

import { parseArgs } from "node:util";
import { runSoak } from "../test/soak/soak.ts";
import { summaryText } from "../test/soak/summary.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    sentinels: { type: "string", default: "1000" },
    "trouble-every": { type: "string", default: "5" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    json: { type: "boolean", default: false },
  },
});
const [minutes, sentinels, seconds, seed] = [
  values.minutes,
  values.sentinels,
  values["trouble-every"],
  values.seed,
].map(Number) as [number, number, number, number];
if (![minutes, sentinels, seconds].every((value) => value > 0) || !Number.isSafeInteger(seed)) {
  console.error(
    "usage: npm run soak -- [--minutes N] [--sentinels N] [--trouble-every SECONDS] [--seed N] [--json], all above 0",
  );
  process.exit(2);
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => process.exit(code));
console.error(`seed ${seed}`);
const say = (line: string) => console.error(line);
const summary = await runSoak({ seed, minutes, sentinels, troubleEveryMs: seconds * 1_000, say });
console.log(values.json ? JSON.stringify(summary) : summaryText(summary));
process.exit(summary.findings.length === 0 ? 0 : 1);
