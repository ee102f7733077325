import { setTimeout as delay } from "node:timers/promises";
import type { BenchPostgres } from "./database.ts";
import { startServerProcess } from "./server-process.ts";

const SETTLING_MS = 20_000;
const LOOKS = 20;

export interface IdleFigures {
  /** Of one core, without Postgres. */
  readonly cpuPercent: number;
  /** In MB: soon after the start, at the end, and the most in between. */
  readonly rssFirst: number;
  readonly rssLast: number;
  readonly rssMost: number;
}

/** A server that nobody calls, and whose fleet is empty. */
export async function measureIdle(postgres: BenchPostgres, idleMs: number): Promise<IdleFigures> {
  const server = await startServerProcess([], { DATABASE_URL: await postgres.createDatabase("idle") });
  await using _ = { [Symbol.asyncDispose]: () => server.stop() };
  await delay(SETTLING_MS);
  const cpuBefore = await server.cpuMs();
  const startedAt = performance.now();
  const rss = [await server.rss()];
  for (let look = 0; look < LOOKS; look++) {
    await delay(idleMs / LOOKS);
    rss.push(await server.rss());
  }
  const cpuMs = (await server.cpuMs()) - cpuBefore;
  const wallMs = performance.now() - startedAt;
  return {
    cpuPercent: (100 * cpuMs) / wallMs,
    rssFirst: rss[0] ?? Number.NaN,
    rssLast: rss.at(-1) ?? Number.NaN,
    rssMost: Math.max(...rss),
  };
}
