import { crashPoint } from "../crash-points.ts";
import type { Effect, EffectCall } from "../effect.ts";
import { parseAwakeableId, parseInvocationId } from "../ids.ts";
import type { KeyLines } from "../key-lines.ts";
import { OUTSIDE_RESERVE } from "../limits.ts";
import { type BatchOutcome, groupOperations, type Operation, type OperationsByKind } from "../operations.ts";
import type { Unit } from "../unit.ts";
import { claimKeys, existingClaims } from "./claims.ts";
import { type Columns, decodeColumn, statementOver } from "./columns.ts";
import { readLines, refuseFull } from "./lines.ts";
import { readCrowded, readOutcome, type WriteRequest, writeStatements } from "./outcome.ts";
import type { Program, Row, Stage, Statement } from "./pipeline.ts";

// The program of one batch.
//
//   B1. Its first statement fails where the node was fenced off (E2).
//   B2. Idempotency keys come before effects, so that a repeated call is not
//       judged again, nor refused because a line is full; effects come before
//       the engine's own writes, which depend on their results.
//   B3. Preludes come before every effect: they take the locks that order
//       batches of all nodes, so two batches never wait for each other in a ring.
//   B4. One commit: all of it or nothing (E4).

export interface BatchInput {
  readonly nodeId: number;
  readonly number: number;
  readonly units: readonly Unit[];
  readonly lines: KeyLines;
  /** Signs awakeable ids. */
  readonly secret: Buffer;
  /** Owned by this node: needs no notification. */
  isLocal(invocationId: number): boolean;
  /** Somebody here waits for this invocation's end. */
  isAwaited(invocationId: number): boolean;
  /** How many more invocations this node may run; negative: it runs more than its share already. */
  room(): number;
  /** Told how much of the room this batch has taken at most. */
  onRoomTaken(count: number): void;
}

export interface BatchResult {
  readonly outcome: BatchOutcome;
  readonly results: ReadonlyMap<Unit, readonly unknown[]>;
  /** Invocations that were there before, by the unit whose claim named them. */
  readonly existing: ReadonlyMap<Unit, number>;
  readonly refused: ReadonlyMap<Unit, unknown>;
}

export function* batchProgram(input: BatchInput): Program<BatchResult> {
  const { existing, full, begun } = yield* letIn(input);
  let head: Statement[] = begun ? [] : [beginBatch(input)];
  const active = input.units.filter((unit) => !existing.has(unit) && !full.has(unit));
  const effects = groupEffects(active);
  let results: ReadonlyMap<Unit, readonly unknown[]> = new Map();
  if (effects.length > 0) {
    const preludes = distinctStatements(effects, (effect) => effect.prelude);
    const before = [...head, ...preludes];
    const rows: Row[][] = yield {
      statements: [...before, ...effects.map(effectStatement)],
      last: false,
    } satisfies Stage;
    results = readEffects(effects, rows.slice(before.length));
    crashPoint("batch:effects-run");
    head = [];
  }
  const { operations, refused } = collectOperations(active, results, input.secret, full);
  const request: WriteRequest = { ...input, operations: withinRoom(groupOperations(operations), input) };
  const writes = writeStatements(request);
  const epilogues = distinctStatements(effects, (effect) => effect.epilogue);
  const statements = [...head, ...writes.map((write) => write.statement), ...epilogues];
  crashPoint("batch:writes-made");
  const rows: Row[][] = yield { statements, last: true } satisfies Stage;
  input.lines.note(readCrowded(writes, rows.slice(head.length)));
  return {
    outcome: readOutcome(writes, rows.slice(head.length), request.operations.birth),
    results,
    existing,
    refused,
  };
}

interface LetIn {
  readonly existing: ReadonlyMap<Unit, number>;
  /** Those that found their line full, each with its refusal. */
  readonly full: ReadonlyMap<Unit, unknown>;
  /** The batch has begun. */
  readonly begun: boolean;
}

/** The first stage, where there is anything to ask before effects. */
function* letIn(input: BatchInput): Generator<Stage, LetIn, Row[][]> {
  const { units, lines } = input;
  const claiming = units.filter((unit) => unit.claim);
  const crowded = lines.toLookAt(units.flatMap((unit) => unit.line ?? []));
  if (claiming.length + crowded.length === 0) return { existing: new Map(), full: new Map(), begun: false };
  const statements = [beginBatch(input)];
  if (crowded.length > 0) statements.push(readLines(crowded));
  if (claiming.length > 0) statements.push(claimKeys(claiming));
  const rows: Row[][] = yield { statements, last: false };
  const existing = claiming.length > 0 ? existingClaims(claiming, rows.at(-1) ?? []) : new Map<Unit, number>();
  if (claiming.length > 0) crashPoint("batch:keys-claimed");
  const fresh = units.filter((unit) => !existing.has(unit));
  const full = crowded.length > 0 ? refuseFull(fresh, crowded, rows[1] ?? [], lines) : new Map<Unit, unknown>();
  return { existing, full, begun: true };
}

function beginBatch({ nodeId, number }: BatchInput): Statement {
  const text = "select engine.begin_batch($1::int8, $2::int8)";
  return { name: "begin_batch", text, values: [String(nodeId), String(number)] };
}

type AnyEffect = Effect<never, never>;

interface EffectRows {
  readonly effect: AnyEffect;
  readonly rows: { unit: Unit; position: number; row: unknown }[];
}

function groupEffects(units: readonly Unit[]): EffectRows[] {
  const groups = new Map<AnyEffect, EffectRows>();
  for (const unit of units) {
    unit.effects.forEach(({ effect, row }: EffectCall, position) => {
      let group = groups.get(effect);
      if (!group) groups.set(effect, (group = { effect, rows: [] }));
      group.rows.push({ unit, position, row });
    });
  }
  // In one order for all nodes, so that two batches seldom lock the same records in a ring.
  for (const { effect, rows } of groups.values()) {
    if (effect.record)
      rows.sort((a, b) => compareTexts(effect.record?.(a.row as never), effect.record?.(b.row as never)));
  }
  return [...groups.values()].sort((a, b) => compareTexts(a.effect.name, b.effect.name));
}

function compareTexts(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  return (a ?? "") < (b ?? "") ? -1 : 1;
}

function effectStatement({ effect, rows }: EffectRows): Statement {
  const columns = Object.entries(effect.input).map(
    ([name, type]) => [type, (row: { row: unknown }) => (row.row as Record<string, unknown>)[name]] as const,
  );
  return statementOver(`effect ${effect.name}`, effect.statement, columns as Columns<{ row: unknown }>, rows);
}

function distinctStatements(
  effects: readonly EffectRows[],
  textOf: (effect: AnyEffect) => string | undefined,
): Statement[] {
  const texts = new Set(effects.map(({ effect }) => textOf(effect)).filter((text) => text !== undefined));
  return [...texts].sort().map((text) => ({ name: statementName(text), text, values: [] }));
}

// Postgres cuts names at 63 bytes; two long texts must not meet there.
function statementName(text: string): string {
  let hash = 5381;
  for (let i = 0; i < text.length; i++) hash = (hash * 33 + text.charCodeAt(i)) % 0x1_0000_0000;
  return `around ${hash.toString(16)} ${text.length}`;
}

function readEffects(groups: readonly EffectRows[], rows: readonly Row[][]): Map<Unit, unknown[]> {
  const results = new Map<Unit, unknown[]>();
  groups.forEach((group, i) => {
    for (const { unit, position } of group.rows) {
      const list = results.get(unit) ?? [];
      list[position] = null;
      results.set(unit, list);
    }
    const output = Object.entries(group.effect.output);
    for (const row of rows[i] ?? []) {
      const asked = group.rows[Number(row[0]) - 1];
      if (!asked) throw new Error(`effect ${group.effect.name} returned an unknown ord ${row[0]}`);
      const values = output.map(([name, type], column) => [name, decodeColumn(type, row[column + 1])]);
      (results.get(asked.unit) as unknown[])[asked.position] = Object.fromEntries(values);
    }
  });
  return results;
}

function collectOperations(
  units: readonly Unit[],
  results: ReadonlyMap<Unit, readonly unknown[]>,
  secret: Buffer,
  full: ReadonlyMap<Unit, unknown>,
): { operations: Operation[]; refused: Map<Unit, unknown> } {
  const operations: Operation[] = [];
  const refused = new Map(full);
  for (const { claim } of full.keys()) if (claim) operations.push({ kind: "forget_key", ...claim });
  for (const unit of units) {
    const own = results.get(unit) ?? [];
    try {
      for (const operation of unit.operations(own)) operations.push(operation);
    } catch (error) {
      if (unit.birth === undefined) throw error;
      refused.set(unit, error);
      if (unit.claim) operations.push({ kind: "forget_key", ...unit.claim });
      continue;
    }
    unit.effects.forEach((call, i) => operations.push(...actionOperations(call, own[i], secret)));
  }
  return { operations, refused };
}

/** All who make a batch saw the same room before it: it is given to the first of them, the rest is left to peers (E6). */
function withinRoom(by: OperationsByKind, { room, onRoomTaken }: BatchInput): OperationsByKind {
  const before = room();
  let left = before;
  const birth = by.birth.map((each) => {
    if (!each.claim) return each;
    if (left <= (each.parentId === undefined ? -OUTSIDE_RESERVE : 0)) return { ...each, claim: false };
    left--;
    return each;
  });
  const claim = by.claim.map((each) => ({ ...each, limit: Math.max(0, Math.min(each.limit, left)) }));
  const claimed = claim.reduce((sum, { limit }) => sum + limit, 0);
  if (claimed > 0 || left !== before) onRoomTaken(before - left + claimed);
  return { ...by, birth, claim };
}

function* actionOperations({ effect, row }: EffectCall, result: unknown, secret: Buffer): Iterable<Operation> {
  if (result == null || !effect.actions) return;
  for (const action of effect.actions(row as never, result as never)) {
    if (action.kind === "resolve") {
      yield {
        kind: "resolution",
        ...parseAwakeableId(action.awakeableId, secret),
        value: JSON.stringify(action.value ?? null),
      };
    } else {
      yield { kind: "stop", id: parseInvocationId(action.invocationId), how: "cancel" };
    }
  }
}
