import type { KeyLines, LineLength, LineOf } from "../key-lines.ts";
import type { Unit } from "../unit.ts";
import { type Columns, statementOver } from "./columns.ts";
import type { Row, Statement } from "./pipeline.ts";

const LINE_COLUMNS: Columns<LineOf> = [
  ["text", (row) => row.service],
  ["text", (row) => row.key],
];

/** How many wait for keys. Locks nothing: batches of other nodes that are under way may make a line a little longer. */
export function readLines(lines: readonly LineOf[]): Statement {
  const text = `
    select k.service, k.key, k.waiting from unnest($1::text[], $2::text[]) as l(service, key)
      join engine.keys k on k.service = l.service and k.key = l.key`;
  return statementOver("read_lines", text, LINE_COLUMNS, lines);
}

/** A row of `readLines`, or of `acquireKeys`. */
export function lineLengthFromRow(row: Row): LineLength {
  return { service: String(row[0]), key: String(row[1]), waiting: Number(row[2]) };
}

/** Those of the units that find the line full that they would join, each with its refusal. `rows`: of `readLines`. */
export function refuseFull(
  units: readonly Unit[],
  looked: readonly LineOf[],
  rows: readonly Row[],
  lines: KeyLines,
): Map<Unit, unknown> {
  const judge = lines.judge(looked, rows.map(lineLengthFromRow));
  const refused = new Map<Unit, unknown>();
  for (const unit of units) {
    const refusal = unit.line && judge(unit.line);
    if (refusal) refused.set(unit, refusal);
  }
  return refused;
}
