import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type pg from "pg";
import { type Engine, TerminalError } from "../../engine/index.ts";
import {
  type ImportSentinelsRequest,
  type ImportSentinelsResponse,
  ImportSentinelsResponseSchema,
  type SentinelSpec,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import {
  readUnchanged,
  type SentinelSpecRow,
  sentinelSpecRow,
  type UpsertSentinelResult,
  upsertRefusal,
  upsertSentinels,
} from "../../rollout/index.ts";

const MOST_PER_MESSAGE = 1_000;
const MOST_ROWS = 200_000;
/** Characters of all rows together. */
const MOST_TEXT = 64 * 1024 * 1024;

interface ImportDeps {
  readonly engine: Engine;
  readonly pool: pg.Pool;
}

/**
 * Takes sentinels from a stream, then writes all of them in one commit, or
 * none. A row that is so already when it arrives is left out, so that only what
 * changes is written under the lock that a running rollout waits for; what
 * somebody else makes of it before the commit came later, and stays. Throws a
 * TerminalError that names the first bad row's position, from 1.
 */
export async function importSentinels(
  { engine, pool }: ImportDeps,
  requests: AsyncIterable<ImportSentinelsRequest>,
): Promise<ImportSentinelsResponse> {
  const checked = new CheckedRows();
  const changing: ImportRow[] = [];
  for await (const { sentinels } of requests) {
    const rows = checked.of(sentinels);
    const unchanged = await readUnchanged(pool, rows);
    for (const [i, row] of rows.entries()) if (!unchanged.has(i)) changing.push(row);
  }
  const results = await upsert(engine, changing);
  const count = (outcome: UpsertSentinelResult["outcome"]) =>
    results.filter((result) => result?.outcome === outcome).length;
  return create(ImportSentinelsResponseSchema, {
    created: count("created"),
    updated: count("updated"),
    unchanged: count("unchanged") + checked.size - changing.length,
  });
}

async function upsert(engine: Engine, rows: readonly ImportRow[]): Promise<(UpsertSentinelResult | null)[]> {
  const results = await engine.executeMany(upsertSentinels, rows);
  for (const [i, row] of rows.entries()) {
    const result = results[i];
    const refusal = result && upsertRefusal(row, result);
    if (refusal) throw atRow(row.position, refusal);
  }
  return results;
}

interface ImportRow extends SentinelSpecRow {
  /** Among the rows of the import, from 1. */
  readonly position: number;
}

/** Checks the rows of one import as they come. */
class CheckedRows {
  readonly #request = randomUUID();
  readonly #positions = new Map<string, number>();
  #text = 0;

  get size(): number {
    return this.#positions.size;
  }

  of(specs: readonly SentinelSpec[]): ImportRow[] {
    if (specs.length > MOST_PER_MESSAGE) {
      throw invalid(`a message has ${specs.length} sentinels, at most ${MOST_PER_MESSAGE} are accepted in one`);
    }
    return specs.map((spec) => this.#check(spec));
  }

  #check(spec: SentinelSpec): ImportRow {
    const position = this.size + 1;
    if (position > MOST_ROWS) throw invalid(`an import takes at most ${MOST_ROWS} rows; send the rest in another one`);
    const row = rowAt(position, spec, this.#request);
    const before = this.#positions.get(row.sentinelId);
    if (before !== undefined) {
      throw invalid(`row ${position}: sentinel ${row.sentinelId} was in row ${before} already; each id may come once`);
    }
    this.#text += textLength(row);
    if (this.#text > MOST_TEXT) {
      throw invalid(
        `row ${position}: the rows have more than ${MOST_TEXT} characters; send the rest in another import`,
      );
    }
    this.#positions.set(row.sentinelId, position);
    return row;
  }
}

function rowAt(position: number, spec: SentinelSpec, request: string): ImportRow {
  try {
    return { ...sentinelSpecRow(spec, request), position };
  } catch (error) {
    throw error instanceof TerminalError ? atRow(position, error) : error;
  }
}

function textLength(row: SentinelSpecRow): number {
  return Object.values(row).reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
}

function atRow(position: number, refusal: TerminalError): TerminalError {
  return new TerminalError(`row ${position}: ${refusal.message}`, refusal.kind);
}

function invalid(message: string): TerminalError {
  return new TerminalError(message, "invalid");
}
