import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, TerminalError } from "../../src/engine/index.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate, handler, query, send, startEngine, statusOf, type TestEngine, waitForStatus } from "./support.ts";

// Each verb of an operator, for an invocation in each status.

const VERBS = ["cancel", "kill", "pause", "resume", "retry", "purge"] as const;
type Verb = (typeof VERBS)[number];

let db: TestDatabase;
let engine: TestEngine;
const held = gate();
/** Left ready by an engine that is gone: nobody else has its handler. */
const left = new Map<string, string>();

const failedBefore = new Set<string>();
const subject = handler<string>(
  "subject",
  async (ctx, what) => {
    if (what === "wait") return ctx.run("wait", (signal) => untilAborted(signal));
    if (what === "fail") throw new TerminalError("as asked", "conflict");
    if (what === "stumble" && !failedBefore.has(ctx.key)) {
      failedBefore.add(ctx.key);
      throw new Error("stumbled");
    }
    return "done";
  },
  { retry: { maxAttempts: 1 } },
);
const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000));
const foreign = handler("foreign", async (ctx) => ctx.sleep(60_000));
const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

beforeAll(async () => {
  db = await createDatabase();
  const before = await startEngine(db.url, [sleeper, foreign]);
  for (const verb of VERBS) {
    left.set(`ready ${verb}`, await send(before, "foreign", `ready ${verb}`));
    left.set(`suspended ${verb}`, await send(before, "sleeper", `suspended ${verb}`));
  }
  await eventually(() => before.stats().active === 0);
  await before.stop();
  await query(
    db.url,
    "update engine.invocations set status = 'suspended', start_at = now() + interval '1 hour' where handler = 'sleeper'",
  );
  engine = await startEngine(db.url, [subject, sleeper, holder]);
});

afterAll(async () => {
  held.open();
  await engine.stop();
  await db[Symbol.asyncDispose]();
});

/** Makes an invocation that stands so. */
async function invocationIn(status: string, verb: Verb): Promise<string> {
  const key = `${status} ${verb}`;
  const start = async (what: string, reached = status) => {
    const id = await send(engine, "subject", key, what);
    await waitForStatus(engine, id, reached);
    return id;
  };
  switch (status) {
    case "scheduled": {
      const call = { service: "test", handler: "subject", key, input: "wait", delayMs: 60_000 };
      return (await engine.invoke(call)).invocationId;
    }
    case "queued":
      await send(engine, "holder", key);
      return start("wait");
    case "ready":
    case "suspended":
      return left.get(key) ?? "";
    case "parked":
      return start("stumble");
    case "succeeded":
      return start("");
    case "failed":
      return start("fail");
    default:
      return start("wait");
  }
}

/** What becomes of it: a status, `gone`, or a refusal. */
const EXPECTED: Record<string, Record<Verb, string>> = {
  scheduled: {
    cancel: "failed",
    kill: "failed",
    pause: "scheduled",
    resume: "scheduled",
    retry: "scheduled",
    purge: "refused",
  },
  queued: { cancel: "failed", kill: "failed", pause: "queued", resume: "queued", retry: "queued", purge: "refused" },
  // Nobody has its handler, so nobody can ask that to end.
  ready: { cancel: "ready", kill: "failed", pause: "parked", resume: "ready", retry: "ready", purge: "refused" },
  running: { cancel: "failed", kill: "failed", pause: "parked", resume: "running", retry: "running", purge: "refused" },
  suspended: {
    cancel: "failed",
    kill: "failed",
    pause: "parked",
    resume: "suspended",
    retry: "suspended",
    purge: "refused",
  },
  parked: {
    // Its handler, which works by now, ends before it awaits anything.
    cancel: "succeeded",
    kill: "failed",
    pause: "parked",
    resume: "succeeded",
    retry: "succeeded",
    purge: "refused",
  },
  succeeded: {
    cancel: "succeeded",
    kill: "succeeded",
    pause: "refused",
    resume: "refused",
    retry: "refused",
    purge: "gone",
  },
  failed: { cancel: "failed", kill: "failed", pause: "refused", resume: "refused", retry: "refused", purge: "gone" },
};

const cases = Object.entries(EXPECTED).flatMap(([status, verbs]) =>
  Object.entries(verbs).map(([verb, becomes]) => [verb as Verb, status, becomes] as const),
);

test.each(cases)("%s of one that is %s: %s", async (verb, status, becomes) => {
  const id = await invocationIn(status, verb);
  const refused = becomes === "refused";
  const after = refused ? status : becomes;
  expect(await answerTo(verb, id)).toBe(refused ? "conflict" : true);
  await eventually(async () => expect((await statusOf(engine, id)) ?? "gone").toBe(after));
  // A repeat does no more than the first one did.
  expect(await answerTo(verb, id)).toBe(refused ? "conflict" : repeated(verb, after));
  expect((await statusOf(engine, id)) ?? "gone").toBe(after);
});

/** What the engine answers; of a refusal its kind. */
function answerTo(verb: Verb, id: string): Promise<boolean | string> {
  return engine[verb](id).catch((error: TerminalError) => error.kind);
}

function repeated(verb: Verb, status: string): boolean | string {
  if (status === "gone") return false;
  const ended = status === "succeeded" || status === "failed";
  return ended && verb !== "cancel" && verb !== "kill" ? "conflict" : true;
}

describe.each(VERBS)("%s", (verb) => {
  test("of none that there is: false", async () => {
    expect(await engine[verb]("inv_10000000000")).toBe(false);
  });

  test("of what is no id: refused", async () => {
    await expect((engine as Engine)[verb]("nobody")).rejects.toMatchObject({ kind: "invalid" });
  });
});

test("queued ones that were cancelled or killed: they left their lines, nobody else did", async () => {
  const lines = await query<{ waiting: number; queued: number }>(
    db.url,
    `select k.waiting, (select count(*)::int from engine.invocations i
                         where i.service = k.service and i.key = k.key and i.status = 'queued') as queued
       from engine.keys k`,
  );
  expect(lines.length).toBeGreaterThan(0);
  for (const { waiting, queued } of lines) expect(waiting).toBe(queued);
});
