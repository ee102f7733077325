import type pg from "pg";
import { defineEffect, type Effect } from "../../../src/engine/index.ts";

// What handlers that are killed leave behind: `notes` is written by an effect,
// so each must be there once; `steps` by a step outside, where once more is no
// mistake. `fenced_writes` is written by a trigger: a batch moves its node's row
// on, and none of a node that was fenced off may.

/** On a database that has the engine's schema. */
export const CREATE_NOTES = `
  create table notes (name text primary key check (name <> 'forbidden'), value text, times integer not null default 1,
                      seq bigint generated always as identity);
  create table steps (name text not null, value text not null);
  create table fenced_writes (node bigint not null, batch bigint not null);
  create function note_fenced_write() returns trigger language plpgsql as $$
    begin insert into fenced_writes values (new.id, new.batch); return null; end $$;
  create trigger note_fenced_write after update of batch on engine.nodes
    for each row when (old.fenced_at is not null) execute function note_fenced_write()`;

export interface Note {
  readonly name: string;
  readonly value: string;
}

/** Takes a note. One that was there keeps its value and counts up. */
export const note: Effect<Note, { times: number }> = defineEffect<Note, { times: number }>({
  name: "note",
  input: { name: "text", value: "text" },
  output: { times: "int4" },
  sql: `with done as (
          insert into notes as n (name, value) select name, value from $input order by name
          on conflict (name) do update set times = n.times + 1
          returning n.name, n.times
        )
        select ord, times from done join $input using (name)`,
  record: ({ name }) => name,
});

/** Says, in a commit of its own, that a step was run, and with what result. */
export async function noteStep(pool: pg.Pool, name: string, value: unknown): Promise<void> {
  await pool.query("insert into steps values ($1, $2)", [name, JSON.stringify(value)]);
}
