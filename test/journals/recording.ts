import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type pg from "pg";
import { parseInvocationId } from "../../src/engine/ids.ts";

// Journals of handlers as they were once, in test/fixtures/journals: one file each, `scenario.N.json`, N counting up with
// the shapes that a scenario has had. CONTRIBUTING says when one is recorded anew, and when an old one may go.

const DIRECTORY = path.join(import.meta.dirname, "../fixtures/journals");

/** One run of a handler. */
export interface RecordedCall {
  readonly service: string;
  readonly handler: string;
  readonly key: string;
  readonly exclusive: boolean;
  readonly input: unknown;
  /** Unset: it failed. */
  readonly output?: unknown;
  readonly failureKind: string | null;
  readonly failure: string | null;
}

export interface RecordedEntry {
  readonly entry: number;
  readonly kind: string;
  readonly name: string;
  /** Unset: it has none of its own, or failed. */
  readonly value?: unknown;
  readonly failureKind: string | null;
  readonly failure: string | null;
  /** call, send, fan_out: those that were called, in order. */
  readonly children?: readonly RecordedCall[];
  /** fan_out: how many of them failed. */
  readonly failed?: number;
}

export interface RecordedJournal extends RecordedCall {
  readonly journal: readonly RecordedEntry[];
}

type JournalRow = Omit<RecordedEntry, "children"> & { child_id: string | null; children: number | null };

const CALL = 'service, key, handler, exclusive, input, output, failure_kind as "failureKind", failure';

/** JSON as it is stored; unset where there is none, which is not the same as null. */
function parsed<T extends object>(row: T, ...columns: (keyof T)[]): T {
  const values = columns.map((column) => {
    const text = row[column] as string | null;
    return [column, text === null ? undefined : JSON.parse(text)];
  });
  return { ...row, ...Object.fromEntries(values) };
}

/** Takes the journal of an invocation that has ended. */
export async function record(pool: pg.Pool, invocationId: string): Promise<RecordedJournal> {
  const id = parseInvocationId(invocationId);
  const { rows: calls } = await pool.query<RecordedCall>(`select ${CALL} from engine.invocations where id = $1`, [id]);
  const { rows } = await pool.query<JournalRow>(
    `select entry, kind, name, value, failure_kind as "failureKind", failure, child_id, children, failed
       from engine.journal where invocation_id = $1 order by entry`,
    [id],
  );
  const [call] = calls;
  if (!call) throw new Error(`no invocation ${invocationId}`);
  return { ...parsed(call, "input", "output"), journal: await Promise.all(rows.map((row) => withChildren(pool, row))) };
}

async function withChildren(pool: pg.Pool, { child_id, children, failed, ...row }: JournalRow): Promise<RecordedEntry> {
  const entry = parsed(row, "value");
  if (child_id === null) return entry;
  const { rows } = await pool.query<RecordedCall>(
    `select ${CALL} from engine.invocations where id >= $1 and id < $1 + $2 order by id`,
    [child_id, children ?? 1],
  );
  const calls = rows.map((call) => parsed(call, "input", "output"));
  return { ...entry, children: calls, ...(entry.kind === "fan_out" ? { failed: failed ?? 0 } : {}) };
}

/** In a key, what keeps those of several restored journals apart. */
const RESTORED = /~\S+/;

/**
 * What decides whether a replay fits: entries by kind and name. Not of awakeables, which have an entry only if they were
 * completed; nor of cancellations, which fall anywhere.
 */
export function shapeOf({ journal }: { journal: readonly Pick<RecordedEntry, "entry" | "kind" | "name">[] }): string[] {
  return journal
    .filter(({ kind }) => kind !== "awakeable" && kind !== "cancel")
    .map(({ entry, kind, name }) => `${entry} ${kind} ${name.replace(RESTORED, "")}`.trim());
}

/** All that were recorded, by the name of their file. */
export async function recordedJournals(): Promise<ReadonlyMap<string, RecordedJournal>> {
  const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith(".json")).toSorted();
  const read = async (name: string) =>
    JSON.parse(await readFile(path.join(DIRECTORY, name), "utf8")) as RecordedJournal;
  return new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
}

/** Adds a file to those of a scenario. */
export async function keep(scenario: string, journal: RecordedJournal): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true });
  const taken = [...(await recordedJournals()).keys()].filter((name) => scenarioOf(name) === scenario);
  const file = path.join(DIRECTORY, `${scenario}.${taken.length + 1}.json`);
  await writeFile(file, `${JSON.stringify(journal, null, 2)}\n`);
}

export function scenarioOf(fileName: string): string {
  return fileName.replace(/\.\d+\.json$/, "");
}
