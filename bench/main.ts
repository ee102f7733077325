// `npm run bench`: prints the tables of docs/performance.md. Every figure of
// hydra stands beside a floor measured in the same minute; the ratios are what
// can be compared among machines.

import os from "node:os";
import { measureCancel } from "./cancel.ts";
import { startBenchPostgres } from "./database.ts";
import { measureDurableStep } from "./durable-step.ts";
import { measureRollout } from "./rollout.ts";
import { measureStartUp } from "./start-up.ts";

const SIZES = process.argv.slice(2).map(Number);
const sizes = SIZES.length > 0 ? SIZES : [1_000, 10_000];

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
  console.log(`\nCancel in the middle of a rollout of 10,000: ${number(await measureCancel(postgres))} ms`);
} finally {
  await postgres.stop();
}
const startUp = await measureStartUp();
console.log(
  `\`hydra dev\` to its first answer: ${number(startUp.fresh)} ms with a fresh database, ` +
    `${number(startUp.existing)} ms with an existing one`,
);
