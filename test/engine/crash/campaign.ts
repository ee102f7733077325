import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { eventually } from "../../support/eventually.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { Acknowledged } from "./acknowledged.ts";
import { structuralBreaches } from "./breaches.ts";
import { createKindsEngine, LIMITS } from "./host.ts";
import { breachesOnceAtRest } from "./rest.ts";
import { drawRounds, type Life, type Round, type Trouble } from "./schedule.ts";
import { VictimProcess } from "./victim-process.ts";

// Random kills: processes are killed and started again, alone or three at a
// time, while callers go on. After each kill the tables are looked at, after
// each round everything that was called is.

/** A process whose crash point never comes is killed this long after its start. */
const LONGEST_WAIT_MS = 3_000;
/** Longer than the lease. */
const PAUSE_MS = 800;
const MOST_TOLD = 10;

export interface CampaignOptions {
  /** With `CREATE_NOTES` applied; used by nobody else. */
  readonly databaseUrl: string;
  readonly seed: number;
  readonly kills: number;
  /** Hears of each round that went well. */
  onRound?(tally: Tally): void;
}

/** What was done so far. */
export interface Tally {
  kills: number;
  /** Of the kills: those at the crash point that was drawn. */
  atPoints: number;
  calls: number;
}

/** Throws an error that names the breaches, and the seed that repeats the round. */
export async function runCampaign({ databaseUrl, seed, kills, onRound }: CampaignOptions): Promise<Tally> {
  const tally: Tally = { kills: 0, atPoints: 0, calls: 0 };
  for (const round of drawRounds(seed, kills)) {
    const breaches = await runRound(databaseUrl, round, tally).catch((error: unknown) => [String(error)]);
    const first = breaches.slice(0, MOST_TOLD).join("\n  ");
    if (breaches.length > 0) throw new Error(`seed ${round.seed}, ${breaches.length} breaches:\n  ${first}`);
    onRound?.(tally);
  }
  return tally;
}

async function runRound(databaseUrl: string, round: Round, tally: Tally): Promise<string[]> {
  const acknowledged = new Acknowledged();
  const breaches: string[] = [];
  await Promise.all(
    round.nodes.map(async (lives) => {
      for (const life of lives) {
        await live(databaseUrl, life, acknowledged, tally);
        breaches.push(...(await structuralBreaches(databaseUrl)));
      }
    }),
  );
  if (breaches.length > 0) return breaches;
  await using successor = createKindsEngine({ databaseUrl, limits: LIMITS });
  await successor.engine.start();
  await acknowledged.repeat(successor.engine);
  return await breachesOnceAtRest(databaseUrl, acknowledged, [successor.engine]);
}

async function live(databaseUrl: string, life: Life, acknowledged: Acknowledged, tally: Tally): Promise<void> {
  await using victim = VictimProcess.launch(databaseUrl, { limits: LIMITS, ...(life.crash && { crash: life.crash }) });
  for (const call of life.calls) victim.call(acknowledged.called(call));
  await eventually(() => victim.hasEnded || victim.told("ready").length > 0, PATIENCE);
  const trouble = life.trouble && bringTrouble(databaseUrl, victim, life.trouble);
  if (life.crash) {
    const deadline = performance.now() + LONGEST_WAIT_MS;
    const isDone = () => victim.told("ended").length === life.calls.length || performance.now() > deadline;
    await eventually(() => victim.hasEnded || isDone());
  } else {
    await delay(life.killedAfterMs);
  }
  await trouble;
  await victim.kill();
  acknowledged.hear(victim);
  tally.kills++;
  tally.calls += life.calls.length;
  if (victim.reachedItsPoint) tally.atPoints++;
}

async function bringTrouble(databaseUrl: string, victim: VictimProcess, { kind, afterMs }: Trouble): Promise<void> {
  await delay(afterMs);
  if (kind === "cut") return cutConnections(databaseUrl);
  victim.pause();
  await delay(PAUSE_MS);
  victim.resume();
}

async function cutConnections(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'hydra engine%' and datname = current_database()`,
    );
  } finally {
    await client.end();
  }
}
