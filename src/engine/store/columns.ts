import type { ColumnType } from "../effect.ts";
import { encodeArray } from "./arrays.ts";
import type { Row, Statement } from "./pipeline.ts";

/** Parameters of a statement over rows: one array per column. */
export type Columns<T> = readonly (readonly [type: ColumnType, value: (row: T) => unknown])[];

/** A statement over many rows: its parameters are `columns` as arrays, `$1` first, then `more`. */
export function statementOver<T>(
  name: string,
  text: string,
  columns: Columns<T>,
  rows: readonly T[],
  more: readonly (string | null)[] = [],
): Statement {
  const values = columns.map(([type, value]) => encodeArray(type, rows.map(value)));
  return { name, text, values: [...values, ...more] };
}

/** A column as the server sent it, as a value of its type. NULL becomes null. */
export function decodeColumn(type: ColumnType, text: string | null | undefined): unknown {
  if (text == null) return null;
  switch (type) {
    case "text":
      return text;
    case "bool":
      return text === "t";
    case "json":
      return JSON.parse(text);
    default:
      return Number(text);
  }
}

export function numberOrUndefined(text: Row[number] | undefined): number | undefined {
  return text == null ? undefined : Number(text);
}
