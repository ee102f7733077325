import { Callers } from "./callers.ts";
import { Chance } from "./chance.ts";
import { checkRollout } from "./checks.ts";
import { disturb, LEASE_MS } from "./disturber.ts";
import { SoakDriver } from "./driver.ts";
import { SoakFleet } from "./fleet.ts";
import { SoakJournal } from "./journal.ts";
import { Progress } from "./progress.ts";
import { SoakPostgres } from "./soak-postgres.ts";
import { SoakServer } from "./soak-server.ts";
import { deploysOf, recoveriesOf, type SoakSummary, sizesOf } from "./summary.ts";
import { SoakWatcher } from "./watcher.ts";

// A soak: three servers on one Postgres, a fleet whose agents speak HTTP, callers that lead rollout after rollout, and
// troubles at random instants. After each rollout everything is compared: the tables with what must hold, with what
// callers were told, and with what Watches delivered.

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly sentinels: number;
  /** Mean time between two troubles. */
  readonly troubleEveryMs: number;
  /** Told what happens, line by line. */
  say(line: string): void;
  /** How long a rollout may take to come to rest after its end. Default: a minute. */
  readonly restMs?: number;
  /** Does what it wants to the tables before the last rollout is looked at; for tests of the soak itself. */
  readonly sabotage?: (postgres: SoakPostgres) => Promise<void>;
}

const SERVERS = ["server 1", "server 2", "server 3"];
const WATCHERS = 2;
const REST_MS = 60_000;

/** Runs to its end whatever it finds. Throws only where it could not be set up. */
export async function runSoak(options: SoakOptions): Promise<SoakSummary> {
  await using stack = new AsyncDisposableStack();
  const journal = new SoakJournal(options.say);
  const chance = new Chance(options.seed);
  const postgres = stack.use(await SoakPostgres.start());
  const servers = await startServers(stack, postgres.url, journal);
  const urls = servers.map(({ url }) => url);
  const callers = new Callers(urls, chance, journal);
  const fleet = stack.use(new SoakFleet(urls, callers, chance));
  await fleet.grow(options.sentinels);
  const watchers = Array.from({ length: WATCHERS }, () => stack.use(new SoakWatcher(callers, journal)));
  const progress = stack.use(new Progress(postgres.url, journal));
  const atStart = await sizesOf(servers, postgres);

  const startedAt = performance.now();
  const minutes = () => (performance.now() - startedAt) / 60_000;
  const ending = new AbortController();
  const restMs = options.restMs ?? REST_MS;
  const parts = { restMs, postgres, servers, callers, fleet, chance, journal, progress, watchers };
  const disturbing = disturb(parts, options.troubleEveryMs, ending.signal).catch((error: unknown) => {
    journal.find(`the troubles ended: ${String(error)}`);
  });
  await leadRollouts(parts, () => minutes() < options.minutes, options.sabotage).catch((error: unknown) => {
    journal.find(`the rollouts ended: ${String(error)}`);
  });
  ending.abort();
  await disturbing;
  return {
    seed: options.seed,
    minutes: minutes(),
    sentinels: fleet.size,
    deploys: await deploysOf(postgres),
    ...countsOf(journal),
    atStart,
    atEnd: await sizesOf(servers, postgres),
  };
}

async function startServers(stack: AsyncDisposableStack, url: string, journal: SoakJournal): Promise<SoakServer[]> {
  const env = {
    DATABASE_URL: url,
    HYDRA_LEASE: `${LEASE_MS}ms`,
    // Longer than a caller insists: a key that is forgotten would be a new call.
    HYDRA_RETENTION: "5m",
    // Longer than what counts as stuck: a report that gets lost is seen as what it is.
    HYDRA_DEPLOY_TIMEOUT: "3m",
    HYDRA_LOG_LEVEL: "error",
  };
  const servers = await Promise.all(SERVERS.map((name) => SoakServer.create(name, env, journal)));
  for (const server of servers) stack.use(server);
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

type Parts = Parameters<typeof checkRollout>[0] & ConstructorParameters<typeof SoakDriver>[0];

async function leadRollouts(parts: Parts, goesOn: () => boolean, sabotage: SoakOptions["sabotage"]): Promise<void> {
  const { fleet, journal, postgres } = parts;
  const driver = new SoakDriver(parts);
  let seen = 0n;
  for (let number = 1; goesOn() && journal.findings.length === 0; number++) {
    await fleet.restartAgents();
    const told = await driver.lead(`registry.test/sentinel:${number}`);
    if (!goesOn()) await sabotage?.(postgres);
    seen = await checkRollout(parts, told, seen);
    journal.say(`${journal.at}: rollout ${number}, ${seen} events, ${sum(journal.countsOf("trouble: "))} troubles`);
  }
}

function countsOf(journal: SoakJournal) {
  return {
    rollouts: journal.counted("rollouts"),
    events: journal.counted("events"),
    troubles: journal.countsOf("trouble: "),
    calls: journal.countsOf("call: "),
    callsRepeated: journal.counted("call repeated"),
    watchesConnectedAgain: journal.counted("watch connected again"),
    gaveUpAtStart: journal.counted("server gave up at its start"),
    recoveries: recoveriesOf(journal),
    findings: journal.findings,
  };
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
