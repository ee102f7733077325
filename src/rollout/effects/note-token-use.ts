import { defineEffect } from "../../engine/index.ts";

export interface NoteTokenUseRow {
  id: string;
}

export interface NoteTokenUseResult {
  noted: boolean;
}

/** Notes, to the minute, that a token was used. No result: it is noted already, or the token is gone. */
export const noteTokenUse = defineEffect<NoteTokenUseRow, NoteTokenUseResult>({
  name: "note_token_use",
  input: { id: "text" },
  output: { noted: "bool" },
  record: (row) => row.id,
  sql: `
with used as materialized (
  -- In one order, so that two batches never wait for each other.
  select t.id, input.ord from $input join tokens as t on t.id = input.id
   where t.last_used_at is distinct from date_trunc('minute', now())
   order by t.id for update of t
),
noted as (
  update tokens as t set last_used_at = date_trunc('minute', now()) from used where t.id = used.id
)
select ord, true from used`,
});
