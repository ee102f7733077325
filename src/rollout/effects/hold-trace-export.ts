import { defineEffect } from "../../engine/index.ts";

export interface HoldTraceExportRow {
  /** One run of one server. */
  holder: string;
  /** For how long from now, by the database's clock; 0: lets go. Milliseconds. */
  leaseMs: number;
}

export interface HoldTraceExportResult {
  /** Events up to this one are done with. */
  position: number;
}

/**
 * Takes or renews the right to send traces, which one server has at a time. No
 * result: another one has it. The first time ever, the log's present end is the
 * position: what was before is not sent.
 */
export const holdTraceExport = defineEffect<HoldTraceExportRow, HoldTraceExportResult>({
  name: "hold_trace_export",
  input: { holder: "text", leaseMs: "int4" },
  output: { position: "int8" },
  record: () => "trace_export",
  sql: `
with held as (
  insert into trace_export as x (position, holder, held_until)
  select l.event_sequence, input.holder, statement_timestamp() + input.lease_ms * interval '1 millisecond'
    from $input cross join rollout_log as l
  on conflict (singleton) do update set holder = excluded.holder, held_until = excluded.held_until
   where x.holder = excluded.holder or x.held_until <= statement_timestamp()
  returning x.position
)
select ord, held.position from $input cross join held`,
});
