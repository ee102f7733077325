import { answersOf, STRUCTURE } from "../engine/crash/breaches.ts";
import { eventually } from "../support/eventually.ts";
import type { Callers } from "./callers.ts";
import type { Told } from "./driver.ts";
import { EVENT_COLUMNS, type EventRow, stateName, textOfEvent, textOfRow } from "./event-text.ts";
import type { SoakJournal } from "./journal.ts";
import { SOAK_QUESTIONS } from "./questions.ts";
import type { SoakPostgres } from "./soak-postgres.ts";
import type { SoakWatcher } from "./watcher.ts";

export interface CheckParts {
  readonly postgres: SoakPostgres;
  readonly callers: Callers;
  readonly watchers: readonly SoakWatcher[];
  readonly journal: SoakJournal;
  /** Deploys in flight end, watchers catch up, and whatever is down comes back in that time. */
  readonly restMs: number;
}

/** What is wrong in the tables, as they are now. */
function breachesOf(postgres: SoakPostgres): Promise<string[]> {
  return postgres.snapshot((client) => answersOf(client, [...STRUCTURE, ...SOAK_QUESTIONS]));
}

/** Waits until a rollout has come to rest, then looks at everything. Answers with the last event that was looked at. */
export async function checkRollout(parts: CheckParts, told: Told, seen: bigint): Promise<bigint> {
  const { postgres, journal, restMs } = parts;
  const rested = async () => (await breachesOf(postgres)).length === 0;
  await eventually(rested, { timeoutMs: restMs }).catch(() => {});
  for (const breach of await eventually(() => breachesOf(postgres), { timeoutMs: restMs }))
    journal.find(`${told.rolloutId}: ${breach}`);
  const rows = await postgres.ask<EventRow>(
    `select ${EVENT_COLUMNS} from rollout_events where sequence > $1 order by rollout_events.sequence`,
    [seen],
  );
  await compareTold(parts, told);
  await compareWatchers(parts, rows);
  await compareLateReader(parts, told, rows, seen);
  return BigInt(rows.at(-1)?.sequence ?? seen);
}

async function compareTold({ postgres, journal }: CheckParts, { rolloutId, state, reverted }: Told): Promise<void> {
  const [row] = await postgres.ask<{ state: string; reverted: number }>(
    `select state, (select count(*)::int from rollout_targets where rollout_id = r.id and status = 'reverted') as reverted
       from rollouts r where id = $1`,
    [rolloutId],
  );
  const said = `${stateName(state)}, ${reverted} reverted`;
  const stored = `${row?.state}, ${row?.reverted} reverted`;
  if (said !== stored) journal.find(`${rolloutId}: callers were told ${said}, stored is ${stored}`);
}

/** Those that were connected all the time, but for the troubles. */
async function compareWatchers({ watchers, journal, restMs }: CheckParts, rows: readonly EventRow[]): Promise<void> {
  const last = BigInt(rows.at(-1)?.sequence ?? 0);
  const stored = rows.map(textOfRow);
  for (const watcher of watchers) {
    await eventually(() => watcher.position >= last, { timeoutMs: restMs }).catch(() => {});
    tellDifference(journal, "a Watch delivered", watcher.take(), stored);
  }
  journal.count("events", rows.length);
}

/** One that reads the rollout after its end is told the same, and the stream ends. */
async function compareLateReader(
  { callers, journal }: CheckParts,
  { rolloutId }: Told,
  rows: readonly EventRow[],
  seen: bigint,
): Promise<void> {
  const stored = rows.filter(({ rollout_id }) => rollout_id === rolloutId).map(textOfRow);
  const delivered = await callers.insist(async (client, { timeoutMs }) => {
    const events: string[] = [];
    const signal = AbortSignal.timeout(timeoutMs ?? 0);
    for await (const { message } of client.rollouts.watch({ rolloutId, afterSequence: seen }, { signal })) {
      if (message.case === "event") events.push(textOfEvent(message.value));
    }
    return events;
  });
  tellDifference(journal, "a late Watch delivered", delivered, stored);
}

function tellDifference(journal: SoakJournal, what: string, delivered: readonly string[], stored: readonly string[]) {
  const at = stored.findIndex((text, index) => delivered[index] !== text);
  if (at === -1 && delivered.length === stored.length) return;
  const index = at === -1 ? stored.length : at;
  journal.find(`${what} "${delivered[index]}" where the table has "${stored[index]}"`);
}
