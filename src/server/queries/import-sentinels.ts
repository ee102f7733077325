import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Engine, TerminalError } from "../../engine/index.ts";
import {
  type ImportSentinelsRequest,
  type ImportSentinelsResponse,
  ImportSentinelsResponseSchema,
  type SentinelSpec,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import {
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

/**
 * Takes sentinels from a stream, then writes all of them in one commit, or
 * none. Throws a TerminalError that names the first bad row's position, from 1.
 */
export async function importSentinels(
  engine: Engine,
  requests: AsyncIterable<ImportSentinelsRequest>,
): Promise<ImportSentinelsResponse> {
  const gathered = new GatheredRows();
  for await (const { sentinels } of requests) gathered.add(sentinels);
  const results = await upsert(engine, gathered.rows);
  const count = (outcome: UpsertSentinelResult["outcome"]) =>
    results.filter((result) => result?.outcome === outcome).length;
  return create(ImportSentinelsResponseSchema, {
    created: count("created"),
    updated: count("updated"),
    unchanged: count("unchanged"),
  });
}

async function upsert(engine: Engine, rows: readonly SentinelSpecRow[]): Promise<(UpsertSentinelResult | null)[]> {
  if (rows.length === 0) return [];
  const results = await engine.executeMany(upsertSentinels, rows);
  for (const [i, row] of rows.entries()) {
    const result = results[i];
    const refusal = result && upsertRefusal(row, result);
    if (refusal) throw atRow(i + 1, refusal);
  }
  return results;
}

/** Rows of one import, checked as they come. */
class GatheredRows {
  readonly rows: SentinelSpecRow[] = [];
  readonly #request = randomUUID();
  readonly #positions = new Map<string, number>();
  #text = 0;

  add(specs: readonly SentinelSpec[]): void {
    if (specs.length > MOST_PER_MESSAGE) {
      throw invalid(`a message has ${specs.length} sentinels, at most ${MOST_PER_MESSAGE} are accepted in one`);
    }
    for (const spec of specs) this.#addOne(spec);
  }

  #addOne(spec: SentinelSpec): void {
    const position = this.rows.length + 1;
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
    this.rows.push(row);
  }
}

function rowAt(position: number, spec: SentinelSpec, request: string): SentinelSpecRow {
  try {
    return sentinelSpecRow(spec, request);
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
