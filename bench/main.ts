// `npm run bench`: prints the tables of docs/performance.md. Every figure of
// hydra stands beside a floor measured in the same minute; the ratios are what
// can be compared among machines.

import os from "node:os";
import { measureAgents } from "./agents.ts";
import { measureCancel } from "./cancel.ts";
import { measureCliStart } from "./cli-start.ts";
import { startBenchPostgres } from "./database.ts";
import { measureDurableStep } from "./durable-step.ts";
import { measureNotifications } from "./notifications.ts";
import { measureImport } from "./import.ts";
import { measureRollout } from "./rollout.ts";
import { measureStartUp } from "./start-up.ts";

const SIZES = process.argv.slice(2).map(Number);
const sizes = SIZES.length > 0 ? SIZES : [1_000, 10_000];

const IMPORTS = [1_000, 10_000, 100_000];

const number = (value: number, digits = 0) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);

console.log(
  `${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} cores, ${os.cpus()[0]?.model.trim()}, ` +
    `Node ${process.version}, embedded Postgres with durable settings\n`,
);
const postgres = await startBenchPostgres();
try {
  row("rollout of", "hydra, deploys/s", "floor-row", "ratio", "floor-set", "ratio", "CPU ms a deploy", "peak RSS, MB");
  row("---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:");
  for (const size of sizes) {
    const it = await measureRollout(postgres, size);
    row(
      number(size),
      number(it.hydra),
      number(it.floorRow),
      number(it.hydra / it.floorRow, 2),
      number(it.floorSet),
      number(it.hydra / it.floorSet, 2),
      number(it.cpuMsPerDeploy, 2),
      number(it.peakRss),
    );
  }
  const step = await measureDurableStep(postgres);
  console.log();
  row("one durable step over HTTP", "hydra", "one INSERT over HTTP", "ratio");
  row("---", "---:", "---:", "---:");
  row("alone, p50, ms", number(step.stepP50, 2), number(step.insertP50, 2), number(step.stepP50 / step.insertP50, 2));
  row(
    "64 at once, a second",
    number(step.stepPerSecond64),
    number(step.insertPerSecond64),
    number(step.stepPerSecond64 / step.insertPerSecond64, 2),
  );
  console.log();
  row(
    "import of",
    "new, ms",
    "floor, ms",
    "ratio",
    "unchanged, ms",
    "changed, ms",
    "gap alone, ms",
    "gap meanwhile, ms",
    "peak RSS, MB",
  );
  row(...Array.from({ length: 9 }, () => "---:"));
  for (const rows of IMPORTS) {
    const it = await measureImport(postgres, rows);
    const { created, floor, unchanged, changed, gapAlone, gapMeanwhile, peakRss } = it;
    const ms = [unchanged, changed, gapAlone, gapMeanwhile].map((value) => number(value));
    row(number(rows), number(created), number(floor), number(created / floor, 2), ...ms, number(peakRss));
  }
  console.log(`\nCancel in the middle of a rollout of 10,000: ${number(await measureCancel(postgres))} ms`);
  const { without, takes, hangs } = await measureNotifications(postgres);
  console.log();
  row("rollout of 1,000", "ms", "ratio", "CPU ms", "ratio");
  row("---", "---:", "---:", "---:", "---:");
  for (const [webhook, { elapsedMs, cpuMs }] of [
    ["without a webhook", without],
    ["with one that answers at once", takes],
    ["with one that never answers", hangs],
  ] as const) {
    const ratios = [number(elapsedMs / without.elapsedMs, 2), number(cpuMs / without.cpuMs, 2)] as const;
    row(webhook, number(elapsedMs), ratios[0], number(cpuMs), ratios[1]);
  }
  const agents = await measureAgents(postgres, 10_000);
  console.log();
  row("10,000 sentinels, an agent a region", "deploys/s", "ratio", "CPU ms a deploy");
  row("---", "---:", "---:", "---:");
  for (const [regions, { deploysPerSecond, cpuMsPerDeploy }] of agents) {
    const ratio = number(deploysPerSecond / (agents.get(1)?.deploysPerSecond ?? Number.NaN), 2);
    row(`regions: ${regions}`, number(deploysPerSecond), ratio, number(cpuMsPerDeploy, 2));
  }
} finally {
  await postgres.stop();
}
const startUp = await measureStartUp();
console.log(
  `\`hydra dev\` to its first answer: ${number(startUp.fresh)} ms with a fresh database, ` +
    `${number(startUp.existing)} ms with an existing one`,
);
const cliStart = await measureCliStart();
console.log();
row("first line of", "p50, ms", "max, ms");
row("---", "---:", "---:");
for (const [name, { p50, max }] of [
  ["`hydra status`", cliStart.status],
  ["`hydra watch`", cliStart.watch],
  ["`node -e 0`, from start to end", cliStart.floor],
] as const) {
  row(name, number(p50), number(max));
}
