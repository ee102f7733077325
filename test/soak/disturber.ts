import { setTimeout as delay } from "node:timers/promises";
import type { Chance } from "./chance.ts";
import type { SoakJournal } from "./journal.ts";
import type { Progress } from "./progress.ts";
import type { SoakPostgres } from "./soak-postgres.ts";
import type { SoakServer } from "./soak-server.ts";

/** Of each server. A stop lasts longer. */
export const LEASE_MS = 2_000;

export interface DisturberParts {
  readonly servers: readonly SoakServer[];
  readonly postgres: SoakPostgres;
  readonly chance: Chance;
  readonly journal: SoakJournal;
  readonly progress: Progress;
}

type Trouble = (parts: DisturberParts, server: SoakServer, name: string) => Promise<void>;

/** What may happen, and how often of a hundred times. */
const WEIGHTS = {
  "server killed": 35,
  "server stopped past its lease": 20,
  "server ended and started again": 15,
  "all servers killed": 5,
  "server killed while another is stopped": 10,
  "Postgres killed": 5,
  "Postgres stopped immediately": 5,
  "Postgres restarted fast": 5,
};

const TROUBLES: Record<keyof typeof WEIGHTS, Trouble> = {
  "server killed": (parts, server) => endAndStart(parts, server, "SIGKILL"),
  "server stopped past its lease": stop,
  "server ended and started again": (parts, server) => endAndStart(parts, server, "SIGTERM"),
  async "all servers killed"(parts) {
    await Promise.all(parts.servers.map((each) => endAndStart(parts, each, "SIGKILL")));
  },
  async "server killed while another is stopped"(parts, server) {
    const other = parts.servers.find((each) => each !== server);
    if (other) await Promise.all([stop(parts, other), endAndStart(parts, server, "SIGKILL")]);
  },
  "Postgres killed": ({ postgres, chance }) => postgres.restart("SIGKILL", away(chance)),
  "Postgres stopped immediately": ({ postgres, chance }) => postgres.restart("SIGQUIT", away(chance)),
  "Postgres restarted fast": ({ postgres }) => postgres.restart("SIGINT", undefined),
};

/** Until the signal is aborted, one trouble after the other, at random instants. All is up again when it resolves. */
export async function disturb(parts: DisturberParts, everyMs: number, signal: AbortSignal): Promise<void> {
  const { chance, journal, progress, servers } = parts;
  while (!signal.aborted) {
    await delay(chance.between(everyMs / 4, everyMs * 2), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const name = chance.weighted(WEIGHTS);
    const server = chance.pick(servers);
    journal.count(`trouble: ${name}`);
    progress.disturbed(name);
    await TROUBLES[name](parts, server, name);
  }
}

async function endAndStart({ chance }: DisturberParts, server: SoakServer, signal: "SIGKILL" | "SIGTERM") {
  await server.end(signal);
  await away(chance)();
  await server.start();
}

async function stop({ chance }: DisturberParts, server: SoakServer): Promise<void> {
  server.pause();
  await delay(chance.between(LEASE_MS * 1.5, LEASE_MS * 3));
  server.goOn();
}

/** At once half of the time. */
function away(chance: Chance): () => Promise<void> {
  return async () => {
    if (chance.percent(50)) await delay(chance.between(0, 3_000));
  };
}
