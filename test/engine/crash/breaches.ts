import pg from "pg";
import { KINDS, seesNothing } from "./kinds.ts";

// The engine's invariants as questions to its tables: each answers with the
// rows that break it. Those of `STRUCTURE` hold in every snapshot, also in the
// middle of the work and right after a kill.

export interface Question {
  readonly sentence: string;
  /** Answers with one column, which names the offender. */
  readonly sql: string;
}

const OPEN = "completed_at is null";

export const STRUCTURE: readonly Question[] = [
  {
    sentence: "E3. a key is held by something that cannot hold it",
    sql: `select k.key from engine.keys k left join engine.invocations i on i.id = k.holder
           where i.id is null or not i.exclusive or i.status not in ('ready', 'running', 'suspended', 'parked')
              or (i.service, i.key) <> (k.service, k.key)`,
  },
  {
    sentence: "E3. the line of a key has another length than the key says",
    sql: `select k.key from engine.keys k
           where k.waiting <> (select count(*) from engine.invocations i
                                where i.service = k.service and i.key = k.key and i.status = 'queued')`,
  },
  {
    sentence: "E3. an exclusive invocation neither holds its key nor waits for it",
    sql: `select i.id from engine.invocations i left join engine.keys k using (service, key)
           where i.exclusive and i.${OPEN} and i.status <> 'scheduled'
             and (k.holder is null or (k.holder = i.id) = (i.status = 'queued'))`,
  },
  {
    sentence: "E2. it runs, and no living node owns it",
    sql: `select i.id from engine.invocations i left join engine.nodes n on n.id = i.owner
           where i.status = 'running' and (n.id is null or n.fenced_at is not null)`,
  },
  {
    sentence: "E2. it waits for an owner, and has one",
    sql: `select id from engine.invocations
           where status in ('scheduled', 'queued', 'ready', 'suspended') and owner is not null`,
  },
  {
    sentence: "E1. status, end and output do not agree",
    sql: `select id from engine.invocations
           where (status in ('succeeded', 'failed')) <> (completed_at is not null)
              or (status = 'succeeded') <> (output is not null)
              or (status = 'failed') <> (failure_kind is not null)`,
  },
  {
    sentence: "E4. an entry names a call that was never born",
    sql: `select j.invocation_id || '/' || j.entry from engine.journal j
            join engine.invocations p on p.id = j.invocation_id and p.${OPEN}
           where (j.kind in ('call', 'send') and not exists (select from engine.invocations c where c.id = j.child_id))
              or (j.kind = 'fan_out' and j.children <> (select count(*) from engine.invocations c
                   where c.id >= j.child_id and c.id < j.child_id + j.children))`,
  },
  {
    sentence: "E4. it was called, and its caller's journal does not know",
    sql: `select c.id from engine.invocations c join engine.invocations p on p.id = c.parent_id
           where not exists (select from engine.journal j where j.invocation_id = c.parent_id
                   and c.id >= j.child_id and c.id < j.child_id + coalesce(j.children, 1))`,
  },
  {
    sentence: "E4. a fan-out counts wrongly",
    sql: `select j.invocation_id || '/' || j.entry from engine.journal j
            join engine.invocations p on p.id = j.invocation_id and p.${OPEN}
            cross join lateral (select count(*) filter (where c.${OPEN}) as open,
                                       count(*) filter (where c.status = 'failed') as failed
                                  from engine.invocations c
                                 where c.id >= j.child_id and c.id < j.child_id + j.children) n
           where j.kind = 'fan_out' and (j.open, j.failed) is distinct from (n.open, n.failed)`,
  },
  {
    sentence: "E4. an entry of an open invocation has no result, and waits for nothing",
    sql: `select j.invocation_id || '/' || j.entry from engine.journal j
            join engine.invocations p on p.id = j.invocation_id and p.${OPEN}
           where j.value is null and j.failure_kind is null and j.kind not in ('call', 'send', 'fan_out', 'sleep')`,
  },
  {
    sentence: "E4. a sleep of an open invocation has no timer",
    sql: `select j.invocation_id || '/' || j.entry from engine.journal j
            join engine.invocations p on p.id = j.invocation_id and p.${OPEN}
           where j.kind = 'sleep' and not exists (select from engine.timers t
                   where t.invocation_id = j.invocation_id and t.entry = j.entry)`,
  },
  {
    sentence: "a timer is left of an invocation that has ended",
    sql: `select t.invocation_id from engine.timers t left join engine.invocations i on i.id = t.invocation_id
           where i.id is null or i.completed_at is not null`,
  },
  {
    sentence: "a journal is left of an invocation that is gone",
    sql: `select distinct j.invocation_id from engine.journal j
           where not exists (select from engine.invocations i where i.id = j.invocation_id)`,
  },
  {
    sentence: "E1. an idempotency key stands for nothing, or is missing",
    sql: `select coalesce(k.idempotency_key, i.idempotency_key) from engine.idempotency k
            full join engine.invocations i on i.id = k.invocation_id and i.idempotency_key = k.idempotency_key
           where k.invocation_id is null and i.idempotency_key is not null or i.id is null`,
  },
  {
    sentence: "a fenced node has a heartbeat",
    sql: "select n.id from engine.nodes n join engine.heartbeats h on h.node_id = n.id where n.fenced_at is not null",
  },
];

const ALL_KINDS = `array['${KINDS.join("','")}']`;
const BLIND_KINDS = `array['${KINDS.filter(seesNothing).join("','")}']`;

/** Hold once nothing is under way, for the handlers of kinds.ts. */
const AT_REST: readonly Question[] = [
  { sentence: "E2. a node wrote after it was fenced off", sql: "select node from fenced_writes" },
  { sentence: "it never ended", sql: `select id || ' ' || status from engine.invocations where ${OPEN}` },
  { sentence: "E3. a key is left held", sql: "select key from engine.keys" },
  { sentence: "a timer is left", sql: "select invocation_id from engine.timers" },
  { sentence: "E4. an effect happened more than once", sql: "select name from notes where times <> 1" },
  {
    sentence: "E4. an effect of a handler did not happen",
    sql: `select w.name from engine.invocations i
           cross join lateral (values ('began '), (case when i.handler = any(${BLIND_KINDS}) then 'lost ' else 'saw ' end))
                 as v(word)
           cross join lateral (select v.word || (i.input::json #>> '{}') as name) w
           where i.handler = any(${ALL_KINDS}) and not exists (select from notes n where n.name = w.name)`,
  },
  {
    sentence: "E4. a child's effect did not happen",
    sql: `select i.input from engine.invocations i
           where i.handler in ('child', 'next_in_line', 'admitted')
             and not exists (select from notes n where n.name = 'child ' || (i.input::json #>> '{}'))`,
  },
  {
    sentence: "E4. a call and the effect that admitted it did not happen together",
    sql: `select coalesce(n.name, i.input) from notes n
            full join engine.invocations i on n.name = 'admitted ' || (i.input::json #>> '{}')
           where (i.handler in ('admitted', 'answered')) is distinct from true and n.name like 'admitted %'
              or n.name is null and i.handler in ('admitted', 'answered')`,
  },
  {
    sentence: "E4. a result changed between what the handler saw and what it answered",
    sql: `select i.input from engine.invocations i join notes n on n.name = 'saw ' || (i.input::json #>> '{}')
           where i.handler = any(${ALL_KINDS}) and n.value::jsonb <> i.output::jsonb`,
  },
  {
    sentence: "E4. the result of a step is not one that a step had",
    sql: `select i.input from engine.invocations i
           where i.handler = 'run' and not exists (select from steps s
                   where s.name = 'ran ' || (i.input::json #>> '{}') and s.value = i.output)`,
  },
  {
    sentence: "E4. state counted wrongly",
    sql: `select s.key from engine.state s
           where s.service = 'kinds' and s.name = 'count' and s.value::int <>
                 (select count(*) from engine.invocations i where i.handler = 'state' and i.key = s.key)`,
  },
  {
    sentence: "E3. two of one key ran at a time, or not in the order of their arrival",
    sql: `select later.input from (
            select i.input, i.key, b.seq as began, i.arrival,
                   lag(coalesce(s.seq, b.seq)) over line as before, lag(i.arrival) over line as arrived_before
              from engine.invocations i
              join notes b on b.name = 'began ' || (i.input::json #>> '{}')
              left join notes s on s.name in ('saw ' || (i.input::json #>> '{}'), 'lost ' || (i.input::json #>> '{}'))
             where i.handler = any(${ALL_KINDS})
            window line as (partition by i.service, i.key order by i.arrival)) later
           where later.began < later.before`,
  },
  {
    sentence: "E4. one call was stored twice",
    sql: `select input from engine.invocations where handler = any(${ALL_KINDS}) group by input having count(*) > 1`,
  },
];

export const QUESTIONS_AT_REST: readonly Question[] = [...STRUCTURE, ...AT_REST];

/** What is wrong, as this client's transaction sees it. */
export async function answersOf(client: pg.Client, questions: readonly Question[]): Promise<string[]> {
  const answers: string[] = [];
  for (const { sentence, sql } of questions) {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    answers.push(...rows.slice(0, 5).map(([offender]) => `${sentence}: ${String(offender)}`));
  }
  return answers;
}

async function ask(databaseUrl: string, questions: readonly Question[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    return await answersOf(client, questions);
  } finally {
    await client.end();
  }
}

/** What is wrong in a snapshot of the tables, whatever is under way. Empty: nothing. */
export function structuralBreaches(databaseUrl: string): Promise<string[]> {
  return ask(databaseUrl, STRUCTURE);
}

/** What is wrong in the tables once everything has ended. Empty: nothing. */
export function breachesAtRest(databaseUrl: string): Promise<string[]> {
  return ask(databaseUrl, QUESTIONS_AT_REST);
}
