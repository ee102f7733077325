import { once } from "node:events";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { toPlainText } from "../fit-text.ts";
import { jsonLine } from "../json-line.ts";
import type { Session } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import type { Column } from "./column.ts";

export interface Listing<Desc extends DescMessage> {
  /** For `--json`. */
  readonly schema: Desc;
  readonly columns: readonly Column<MessageShape<Desc>>[];
  /** Said on a terminal where there is nothing. */
  readonly empty: string;
}

/** Prints a listing as it comes: JSON lines, an aligned table on a terminal, values with tabs between in a pipe. */
export async function showListing<Desc extends DescMessage>(
  { terminal, json, interrupted }: Session,
  { schema, columns, empty }: Listing<Desc>,
  pages: AsyncIterable<readonly MessageShape<Desc>[]>,
): Promise<void> {
  const lines = json
    ? (rows: readonly MessageShape<Desc>[]) => rows.map((row) => jsonLine(schema, row))
    : await listingLines(columns, terminal);
  let any = false;
  for await (const rows of pages) {
    any = true;
    for (const line of lines(rows)) await print(terminal, line, interrupted);
  }
  if (!any && terminal.live && !json) terminal.print(empty);
}

/** A reader that is slower than the server is waited for: lines do not gather in memory. */
async function print(terminal: Terminal, line: string, interrupted: AbortSignal): Promise<void> {
  terminal.print(line);
  if (terminal.stream.writableNeedDrain) await once(terminal.stream, "drain", { signal: interrupted });
}

/**
 * Draws rows as text: a table on a terminal, of which the first page decides on
 * the widths and later ones are cut to them; values with tabs between in a pipe.
 */
export async function listingLines<Row>(
  columns: readonly Column<Row>[],
  terminal: Terminal,
): Promise<(rows: readonly Row[]) => readonly string[]> {
  if (!terminal.live) {
    return (rows) => rows.map((row) => columns.map(({ value }) => toPlainText(value(row))).join("\t"));
  }
  // Only a terminal needs it, and it takes a while to load.
  const { TableDrawing } = await import("./table-drawing.ts");
  const drawing = new TableDrawing(columns, { columns: terminal.size().columns, style: terminal.style });
  return (rows) => drawing.draw(rows);
}
