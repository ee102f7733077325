import type { SoakJournal } from "./journal.ts";
import type { SoakPostgres } from "./soak-postgres.ts";
import type { SoakServer } from "./soak-server.ts";

/** Memory and disk at one moment. */
export interface Sizes {
  /** Resident memory of each server's process, and the most that it ever had, in MB. */
  readonly servers: Record<string, { now: number; peak: number }>;
  readonly databaseMb: number;
  readonly deadTuples: number;
}

export interface SoakSummary {
  readonly seed: number;
  readonly minutes: number;
  readonly sentinels: number;
  readonly rollouts: number;
  readonly deploys: number;
  readonly events: number;
  readonly troubles: Record<string, number>;
  readonly calls: Record<string, number>;
  readonly callsRepeated: number;
  readonly watchesConnectedAgain: number;
  readonly gaveUpAtStart: number;
  /** Ms until the rollout under way went on, by trouble. */
  readonly recoveries: Record<string, { count: number; median: number; slowest: number }>;
  readonly atStart: Sizes;
  readonly atEnd: Sizes;
  readonly findings: readonly string[];
}

const SIZES = `
select round(pg_database_size(current_database()) / 1048576.0)::int as "databaseMb",
       (select coalesce(sum(n_dead_tup), 0)::int from pg_stat_user_tables) as "deadTuples"`;

export async function sizesOf(servers: readonly SoakServer[], postgres: SoakPostgres): Promise<Sizes> {
  const memory = await Promise.all(servers.map(async (server) => [server.name, await server.memory()] as const));
  const [row] = await postgres.ask<{ databaseMb: number; deadTuples: number }>(SIZES);
  return { servers: Object.fromEntries(memory), databaseMb: row?.databaseMb ?? 0, deadTuples: row?.deadTuples ?? 0 };
}

export async function deploysOf(postgres: SoakPostgres): Promise<number> {
  const [row] = await postgres.ask<{ deploys: number }>("select sum(deploy_number)::int as deploys from sentinels");
  return row?.deploys ?? 0;
}

export function recoveriesOf({ recoveries }: SoakJournal): SoakSummary["recoveries"] {
  const byKind = Map.groupBy(recoveries, ({ kind }) => kind);
  return Object.fromEntries(
    [...byKind].map(([kind, all]) => {
      const ms = all.map((recovery) => Math.round(recovery.ms)).toSorted((a, b) => a - b);
      return [kind, { count: ms.length, median: ms[ms.length >> 1] ?? 0, slowest: ms.at(-1) ?? 0 }];
    }),
  );
}

/** For a person. */
export function summaryText(summary: SoakSummary): string {
  const { atStart, atEnd, recoveries, troubles, calls } = summary;
  const slowest = Math.max(0, ...Object.values(recoveries).map((recovery) => recovery.slowest));
  const memory = Object.entries(atEnd.servers).map(([name, { now, peak }]) => {
    return `  ${name}: ${atStart.servers[name]?.now} MB at the start, ${now} MB at the end (peak ${peak} MB)`;
  });
  return [
    `seed ${summary.seed}, ${summary.minutes.toFixed(1)} minutes, ${summary.sentinels} sentinels`,
    `${summary.rollouts} rollouts, ${summary.deploys} deploys, ${summary.events} events`,
    `calls: ${counts(calls)}; ${summary.callsRepeated} repeated for want of an answer`,
    `watches connected again: ${summary.watchesConnectedAgain}; servers that gave up at a start: ${summary.gaveUpAtStart}`,
    "troubles, and how long until the rollout under way went on:",
    ...Object.entries(troubles).map(([kind, count]) => `  ${count} x ${kind}${recoveryText(recoveries[kind])}`),
    `slowest recovery: ${slowest} ms`,
    "resident memory of the processes that lived then:",
    ...memory,
    `database: ${atStart.databaseMb} MB at the start, ${atEnd.databaseMb} MB at the end`,
    `dead tuples: ${atStart.deadTuples} at the start, ${atEnd.deadTuples} at the end`,
    summary.findings.length === 0 ? "nothing was lost, nothing was done twice, nothing stood still" : "FINDINGS",
    ...summary.findings.map((finding) => `  ${finding}`),
  ].join("\n");
}

function counts(numbers: Record<string, number>): string {
  return Object.entries(numbers)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

function recoveryText(recovery: { count: number; median: number; slowest: number } | undefined): string {
  if (!recovery) return "";
  return `: median ${recovery.median} ms, slowest ${recovery.slowest} ms (${recovery.count} with one under way)`;
}
