import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anyHandler, type Context, createEngine, defineHandler, jsonCodec } from "../../src/engine/index.ts";
import { formatInvocationId } from "../../src/engine/ids.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { recordedJournals } from "./recording.ts";
import { Restorer } from "./restoring.ts";

// A server whose handler has been changed meets what an earlier one left in the middle.

const RECORDED = "engine-state.1.json";
const DIFFERENCE = 'entry 1: the journal has get "count", the handler now does run "look around"';
const CASES = ["words", "retry", "cancel", "kill", "restart"] as const;

/** It was: get, set, set, clear, get between two notes. */
async function changed(ctx: Context): Promise<string> {
  if ((await ctx.run("note", () => 1)) === 1) await ctx.run("look around", () => 1);
  return "went another way";
}

const ids = new Map<string, string>();
const stack = new AsyncDisposableStack();
let engine: ReturnType<typeof createEngine>;

beforeAll(async () => {
  const database = stack.use(await createDatabase());
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  stack.defer(() => pool.end());
  const recorded = (await recordedJournals()).get(RECORDED);
  if (!recorded) throw new Error(`there is no ${RECORDED}`);
  // Its first entry still fits.
  const first = { entry: 0, kind: "run", name: "note", value: 1, failureKind: null, failure: null };
  const journal = [first, ...recorded.journal.slice(1)];
  const restorer = new Restorer(pool);
  for (const name of CASES)
    ids.set(name, formatInvocationId(await restorer.restore({ ...recorded, journal }, 4, name)));
  await restorer.finish();
  const { service, handler: name } = recorded;
  const handler = defineHandler<string, string>({
    service,
    name,
    kind: "exclusive",
    public: true,
    run: changed,
    input: jsonCodec<string>(),
    output: jsonCodec<string>(),
  });
  engine = createEngine({ databaseUrl: database.url, handlers: [anyHandler(handler)], limits: { pollMs: 100 } });
  await engine.start();
  stack.defer(() => engine.stop());
});

afterAll(() => stack.disposeAsync());

const idOf = (name: (typeof CASES)[number]) => ids.get(name) ?? "";
const look = async (name: (typeof CASES)[number]) => (await engine.getInvocation(idOf(name)))?.invocation;

async function expectParked(name: (typeof CASES)[number], attempts: number): Promise<void> {
  await eventually(async () => {
    const invocation = await look(name);
    expect(invocation).toMatchObject({ status: "parked", failure: expect.stringContaining(DIFFERENCE) });
    expect(invocation?.attempts).toBeGreaterThanOrEqual(attempts);
  });
}

test("left alone: it is parked, and says which entry does not fit, what was there, and what the handler does now", () =>
  expectParked("words", 2));

test("retried: the same handler meets the same journal, and it is parked again with the same words", async () => {
  await expectParked("retry", 2);
  await engine.retry(idOf("retry"));
  await expectParked("retry", 3);
});

test("killed, and purged: it has ended, then it is gone", async () => {
  await expectParked("kill", 2);
  await engine.kill(idOf("kill"));
  await eventually(async () => (await look("kill"))?.status === "failed");
  await engine.purge(idOf("kill"));
  expect(await look("kill")).toBeUndefined();
});

test("cancelled: its handler cannot be told, so it is parked again; a kill ends it", async () => {
  await expectParked("cancel", 2);
  await engine.cancel(idOf("cancel"));
  await expectParked("cancel", 3);
  await engine.kill(idOf("cancel"));
  await eventually(async () => (await look("cancel"))?.status === "failed");
});

test("restarted from the entry that it names: what fits keeps its result, the rest is done as the handler does it now", async () => {
  await expectParked("restart", 2);
  await engine.restart(idOf("restart"), { fromEntry: 1 });
  await eventually(async () => expect(await look("restart")).toMatchObject({ status: "succeeded" }));
});
