// `npm run bench -- [SIZES] [--only SECTION] [--json FILE]`: what hydra costs, beside floors of the same minute.

import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { measureAgents } from "./agents.ts";
import { measureBloat } from "./bloat.ts";
import { measureCancel } from "./cancel.ts";
import { measureCliStart } from "./cli-start.ts";
import { type BenchPostgres, startBenchPostgres } from "./database.ts";
import { measureDurableStep } from "./durable-step.ts";
import { measureIdle } from "./idle.ts";
import { measureImport } from "./import.ts";
import { measureLarge, measureSize } from "./large.ts";
import { printKubernetes } from "./kubernetes/print.ts";
import { measureNotifications } from "./notifications.ts";
import { publish } from "./published.ts";
import { measureRecovery } from "./recovery.ts";
import { measureRollout } from "./rollout.ts";
import { measureStartUp } from "./start-up.ts";
import { median } from "./statistics.ts";
import { head, number, type Printed, row, say, takePrinted } from "./table.ts";

const IMPORTS = [1_000, 10_000, 100_000];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** May be repeated. */
    only: { type: "string", multiple: true },
    /** File for the figures, in full precision. */
    json: { type: "string" },
    /** Of the section `kubernetes`, as those that follow. */
    deployments: { type: "string", default: "1000" },
    rounds: { type: "string", default: "4" },
    quiet: { type: "string", default: "30" },
    /** Of the section `idle`: for how long, in minutes. */
    idle: { type: "string", default: "1" },
  },
});
const sizes = positionals.length > 0 ? positionals.map(Number) : [1_000, 10_000];

const sections: Record<string, (postgres: BenchPostgres) => Promise<void>> = {
  async rollout(postgres) {
    const floors = ["floor-row", "ratio", "floor-set", "ratio"];
    head(0, "rollout of", "hydra, deploys/s", ...floors, "CPU ms a deploy", "peak RSS, MB");
    for (const size of sizes) {
      const { hydra, floorRow, floorSet, cpuMsPerDeploy, peakRss } = await measureRollout(postgres, size);
      const ofRow = [number(floorRow), number(hydra / floorRow, 2)];
      const ofSet = [number(floorSet), number(hydra / floorSet, 2)];
      row(number(size), number(hydra), ...ofRow, ...ofSet, number(cpuMsPerDeploy, 2), number(peakRss));
    }
  },

  async step(postgres) {
    const { stepP50, insertP50, emptyP50, ...together } = await measureDurableStep(postgres);
    head(1, "over HTTP", "hydra: one durable step", "one INSERT", "ratio", "nothing");
    row(
      "alone, p50, ms",
      number(stepP50, 2),
      number(insertP50, 2),
      number(stepP50 / insertP50, 2),
      number(emptyP50, 2),
    );
    const { stepPerSecond64, insertPerSecond64, emptyPerSecond64 } = together;
    const rates = [stepPerSecond64, insertPerSecond64].map((rate) => number(rate));
    row("64 at once, a second", ...rates, number(stepPerSecond64 / insertPerSecond64, 2), number(emptyPerSecond64));
  },

  async import(postgres) {
    const gaps = ["gap alone, ms", "gap meanwhile, ms"];
    head(0, "import of", "new, ms", "floor, ms", "ratio", "unchanged, ms", "changed, ms", ...gaps, "peak RSS, MB");
    for (const rows of IMPORTS) {
      const it = await measureImport(postgres, rows);
      const { created, floor, unchanged, changed, gapAlone, gapMeanwhile, peakRss } = it;
      const ms = [unchanged, changed, gapAlone, gapMeanwhile].map((value) => number(value));
      row(number(rows), number(created), number(floor), number(created / floor, 2), ...ms, number(peakRss));
    }
  },

  async cancel(postgres) {
    say("Cancel in the middle of a rollout of 10,000: ", number(await measureCancel(postgres)), " ms");
  },

  async large(postgres) {
    head(0, "rollout of", "deploys/s", "wall a deploy, ratio", "CPU ms a deploy", "peak RSS, MB");
    const small = await measureSize(postgres, 10_000);
    const large = await measureLarge(postgres, 100_000);
    for (const [size, it] of [
      [10_000, small],
      [100_000, large],
    ] as const) {
      const ratio = number(it.wallMsPerDeploy / small.wallMsPerDeploy, 2);
      row(number(size), number(it.deploysPerSecond), ratio, number(it.cpuMsPerDeploy, 2), number(it.peakRss));
    }
    const { cancelMs, watchP50, watchP99, watchMax } = large;
    say("Cancel in the middle of the waves of 100,000: at most ", number(Math.max(...cancelMs)), " ms");
    say(
      "An event of 100,000 until a Watch has it: p50 ",
      number(watchP50),
      " ms, p99 ",
      number(watchP99),
      ", at most ",
      number(watchMax),
    );
  },

  async notifications(postgres) {
    const { without, takes, hangs } = await measureNotifications(postgres);
    head(1, "rollout of 1,000", "ms", "ratio", "CPU ms", "ratio");
    for (const [webhook, { elapsedMs, cpuMs }] of [
      ["without a webhook", without],
      ["with one that answers at once", takes],
      ["with one that never answers", hangs],
    ] as const) {
      const ratios = [number(elapsedMs / without.elapsedMs, 2), number(cpuMs / without.cpuMs, 2)] as const;
      row(webhook, number(elapsedMs), ratios[0], number(cpuMs), ratios[1]);
    }
  },

  async agents(postgres) {
    const agents = await measureAgents(postgres, 10_000);
    head(1, "10,000 sentinels, an agent a region", "deploys/s", "ratio", "CPU ms a deploy");
    for (const [regions, { deploysPerSecond, cpuMsPerDeploy }] of agents) {
      const ratio = number(deploysPerSecond / (agents.get(1)?.deploysPerSecond ?? Number.NaN), 2);
      row(`regions: ${regions}`, number(deploysPerSecond), ratio, number(cpuMsPerDeploy, 2));
    }
  },

  async bloat(postgres) {
    for (const size of sizes) {
      const { first, last, shown } = await measureBloat(postgres, size);
      head(1, `ten rollouts of ${number(size).toString()}, MB after retention`, "first", "tenth", "ratio");
      const grown = (name: string, [from, to]: readonly [number, number]) => {
        row(name, number(from / 2 ** 20, 1), number(to / 2 ** 20, 1), number(to / from, 2));
      };
      grown("whole database", [first.database, last.database]);
      for (const name of shown) grown(name, [first.tables.get(name) ?? 0, last.tables.get(name) ?? 0]);
    }
  },

  async recovery(postgres) {
    const { restartTakenUp, restart, restartEmbedded, killed, stopped } = await measureRecovery(postgres);
    head(1, "in mid-wave, to the first deploy of its that ends", "median, ms", "max, ms");
    for (const [what, times] of [
      [
        "killed and started again, Postgres elsewhere, until it has taken up the deploys, from the start",
        restartTakenUp,
      ],
      ["killed and started again, Postgres elsewhere, from the start", restart],
      ["killed and started again, embedded Postgres, from the start", restartEmbedded],
      ["killed, another server takes over, from the kill", killed],
      ["stopped (SIGSTOP), another server takes over, lease 5 s, from the stop", stopped],
    ] as const) {
      row(what, number(median(times)), number(Math.max(...times)));
    }
  },

  async idle(postgres) {
    const { cpuPercent, rssFirst, rssLast, rssMost } = await measureIdle(postgres, Number(flags.idle) * 60_000);
    head(0, "idle for, min", "of a core, %", "RSS at first, MB", "at last", "at most");
    row(flags.idle, number(cpuPercent, 2), number(rssFirst), number(rssLast), number(rssMost));
  },

  async kubernetes(postgres) {
    const { deployments, rounds, quiet } = flags;
    const options = { deployments: Number(deployments), rounds: Number(rounds), quietMs: Number(quiet) * 1_000 };
    await printKubernetes(postgres, options);
  },

  async start() {
    const startUp = await measureStartUp();
    say(
      "`hydra dev` to its first answer: ",
      number(startUp.fresh),
      " ms with a fresh database, ",
      number(startUp.existing),
      " ms with an existing one",
    );
    const cliStart = await measureCliStart();
    head(1, "first line of", "p50, ms", "max, ms");
    for (const [name, { p50, max }] of [
      ["`hydra status`", cliStart.status],
      ["`hydra watch`", cliStart.watch],
      ["`node -e 0`, from start to end", cliStart.floor],
    ] as const) {
      row(name, number(p50), number(max));
    }
  },
};

const names = flags.only ?? Object.keys(sections);
const unknown = names.find((name) => !Object.hasOwn(sections, name));
if (unknown !== undefined) throw new Error(`no section ${unknown}: there are ${Object.keys(sections).join(", ")}`);
const machine =
  `${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} cores, ${os.cpus()[0]?.model.trim()}, ` +
  `Node ${process.version}, embedded Postgres with durable settings`;
console.log(machine);
const figures: Record<string, readonly Printed[]> = {};
const jsonFile = flags.json === undefined ? undefined : path.resolve(flags.json);
await using stack = new AsyncDisposableStack();
const published = stack.use(await publish());
// Every hydra is started from there.
process.chdir(published.folder);
stack.defer(() => process.chdir(path.dirname(published.folder)));
const postgres = await startBenchPostgres();
stack.defer(() => postgres.stop());
for (const name of names) {
  await sections[name]?.(postgres);
  figures[name] = takePrinted();
}
if (jsonFile !== undefined) await writeFile(jsonFile, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`);
