import type { Engine } from "../../../src/engine/index.ts";
import { eventually } from "../../support/eventually.ts";
import type { Acknowledged } from "./acknowledged.ts";
import { breachesAtRest } from "./breaches.ts";

const LONGEST_WAIT_MS = 20_000;

/**
 * Waits until nothing is under way, neither in the tables nor in these engines,
 * and answers with what is broken then. Empty: nothing.
 */
export async function breachesOnceAtRest(
  databaseUrl: string,
  acknowledged: Acknowledged,
  engines: readonly Engine[] = [],
): Promise<string[]> {
  const look = async () => [
    ...(await breachesAtRest(databaseUrl)),
    ...(await acknowledged.lostEffects(databaseUrl)),
    ...engines.filter((engine) => !isIdle(engine)).map((engine) => `E6. it holds on to something: ${held(engine)}`),
  ];
  const rested = async () => (await look()).length === 0;
  await eventually(rested, { timeoutMs: LONGEST_WAIT_MS }).catch(() => {});
  return [...acknowledged.contradictions, ...(await look())];
}

function isIdle(engine: Engine): boolean {
  const { resident, active, queuedOperations } = engine.stats();
  return resident + active + queuedOperations === 0;
}

function held(engine: Engine): string {
  return JSON.stringify(engine.stats());
}
