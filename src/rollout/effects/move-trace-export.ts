import { defineEffect } from "../../engine/index.ts";

export interface MoveTraceExportRow {
  holder: string;
  movedFrom: number;
  /** Events up to this one are done with. */
  position: number;
  /** The right to send is renewed for as long. Milliseconds. */
  leaseMs: number;
}

export interface MoveTraceExportResult {
  position: number;
}

/**
 * Moves on what has been sent of the traces. No result: another server has taken over, or the events that were sent are
 * of a history that is no more (R12).
 */
export const moveTraceExport = defineEffect<MoveTraceExportRow, MoveTraceExportResult>({
  name: "move_trace_export",
  input: { holder: "text", movedFrom: "int8", position: "int8", leaseMs: "int4" },
  output: { position: "int8" },
  record: () => "trace_export",
  sql: `
update trace_export as x
   set position = input.position, held_until = statement_timestamp() + input.lease_ms * interval '1 millisecond'
  from $input
 where x.singleton and x.holder = input.holder and x.position = input.moved_from
   and input.position <= (select event_sequence from rollout_log)
returning input.ord, x.position`,
});
