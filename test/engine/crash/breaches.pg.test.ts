// What the tests that kill processes rest on: their handlers write every kind
// of journal entry, and their questions see what is broken.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestDatabase } from "../../support/database.ts";
import { query } from "../support.ts";
import { Acknowledged } from "./acknowledged.ts";
import { answersOf, QUESTIONS_AT_REST } from "./breaches.ts";
import { DOORS, ENTRIES_OF, KINDS } from "./kinds.ts";
import { createNotes, expectUnbroken, startPeer } from "./support.ts";

const OPEN_SEND = `
  insert into engine.invocations (id, service, key, handler, exclusive, status, owner, priority, input)
  select -1, 'kinds', 'open', 'child', false, 'running', max(id), 0, '"x"' from engine.nodes;
  update engine.nodes set fenced_at = null`;
const first = (handler: string) => `(select min(id) from engine.invocations where handler = '${handler}')`;
const entry = (columns: string, values: string) =>
  `${OPEN_SEND}; insert into engine.journal (invocation_id, entry, ${columns}) values (-1, 0, ${values})`;

/** A harm done to the tables, and the question that must see it. */
const HARMS: readonly (readonly [sentence: string, sql: string])[] = [
  ["held by something that cannot hold it", "insert into engine.keys values ('kinds', 'k', -7)"],
  ["another length than the key says", `insert into engine.keys values ('kinds', 'k', ${first("run")}, 3)`],
  ["neither holds its key nor waits", `${OPEN_SEND}; update engine.invocations set exclusive = true where id = -1`],
  ["no living node owns it", `${OPEN_SEND}; update engine.nodes set fenced_at = now()`],
  ["waits for an owner, and has one", `${OPEN_SEND}; update engine.invocations set status = 'ready' where id = -1`],
  ["status, end and output do not agree", `update engine.invocations set output = null where id = ${first("run")}`],
  ["names a call that was never born", entry("kind, child_id", "'call', -2")],
  ["its caller's journal does not know", "delete from engine.journal where kind = 'fan_out'"],
  ["a fan-out counts wrongly", entry("kind, child_id, children, open, failed", "'fan_out', -5, 0, 1, 0")],
  ["no result, and waits for nothing", entry("kind", "'run'")],
  ["has no timer", entry("kind", "'sleep'")],
  ["a timer is left of an invocation", `insert into engine.timers values (${first("run")}, 0, now())`],
  ["a journal is left", "insert into engine.journal (invocation_id, entry, kind) values (-2, 0, 'now')"],
  ["stands for nothing, or is missing", "delete from engine.idempotency where idempotency_key = 'run'"],
  ["a fenced node has a heartbeat", "update engine.nodes set fenced_at = now()"],
  ["wrote after it was fenced off", "update engine.nodes set fenced_at = now(); update engine.nodes set batch = 9"],
  ["it never ended", OPEN_SEND],
  ["a key is left held", "insert into engine.keys values ('kinds', 'k', -7)"],
  ["a timer is left", "insert into engine.timers values (-3, 0, now())"],
  ["happened more than once", "update notes set times = 2 where name = 'began run'"],
  ["an effect of a handler did not happen", "delete from notes where name = 'saw run'"],
  ["a child's effect did not happen", "delete from notes where name = 'child sent send'"],
  ["did not happen together", "delete from notes where name = 'admitted answered'"],
  ["a result changed", "update notes set value = '0' where name = 'saw run'"],
  ["not one that a step had", "delete from steps where name = 'ran run'"],
  ["state counted wrongly", "update engine.state set value = '9' where name = 'count'"],
  ["two of one key ran at a time", "update engine.invocations set arrival = -arrival"],
  ["stored twice", `update engine.invocations set input = '"run"' where handler = 'tx'`],
];

async function callEachKind(databaseUrl: string): Promise<void> {
  await using peer = await startPeer(databaseUrl);
  const acknowledged = new Acknowledged();
  for (const kind of [...KINDS, ...DOORS]) acknowledged.called({ kind, key: "k", name: kind });
  await acknowledged.repeat(peer.engine);
  await expectUnbroken(databaseUrl, acknowledged, "nobody was killed");
}

describe("questions to the tables", () => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await createNotes();
    await callEachKind(database.url);
    // As while a node is there.
    await query(database.url, "update engine.nodes set fenced_at = null");
    await query(database.url, "insert into engine.heartbeats select id from engine.nodes");
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await database[Symbol.asyncDispose]();
  });

  test("the handlers write every kind of journal entry", async () => {
    const rows = await query<{ handler: string; kinds: string[] }>(
      database.url,
      `select i.handler, array_agg(distinct j.kind) as kinds from engine.invocations i
         join engine.journal j on j.invocation_id = i.id group by i.handler`,
    );
    const written = new Map(rows.map(({ handler, kinds }) => [handler, kinds]));
    for (const [entryKind, kind] of Object.entries(ENTRIES_OF)) expect(written.get(kind)).toContain(entryKind);
  });

  test("one for each harm", () => {
    expect(HARMS).toHaveLength(QUESTIONS_AT_REST.length);
  });

  test.each(HARMS)("%s: seen", async (sentence, sql) => {
    await client.query("begin");
    try {
      await client.query(sql);
      expect(await answersOf(client, QUESTIONS_AT_REST)).toContainEqual(expect.stringContaining(sentence));
    } finally {
      await client.query("rollback");
    }
  });
});
