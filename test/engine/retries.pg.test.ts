import { describe, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { callOf, ended, handler, outputOf, query, send, shared, startEngine, waitForStatus } from "./support.ts";

/** Longer than any test. */
const never = { firstDelayMs: 600_000, longestDelayMs: 600_000 };

describe("retry now", () => {
  test("of one whose attempt failed: the next attempt comes at once, asked of whichever node", async () => {
    await using db = await createDatabase();
    let attempts = 0;
    const once = handler(
      "once",
      async () => {
        if (++attempts === 1) throw new Error("not yet");
        return "done";
      },
      { retry: never },
    );
    await using engine = await startEngine(db.url, [once]);
    await using other = await startEngine(db.url, []);
    const id = await send(engine, "once");
    await eventually(async () => (await other.getInvocation(id))?.invocation.failure === "not yet");
    await other.retry(id);
    expect(outputOf(await ended(engine, id))).toBe("done");
  });

  test("of one with a step that failed: so does its next try; journal and invocation tell of the tries", async () => {
    await using db = await createDatabase();
    let tries = 0;
    const stepping = handler(
      "stepping",
      async (ctx) =>
        ctx.run("charge", () => {
          if (++tries === 1) throw new Error("declined");
          return "done";
        }),
      { retry: never },
    );
    await using engine = await startEngine(db.url, [stepping]);
    const id = await send(engine, "stepping");
    await eventually(async () => (await engine.getInvocation(id))?.invocation.failures === 1);
    expect((await engine.getInvocation(id))?.invocation).toMatchObject({
      status: "running",
      attempts: 1,
      failure: 'step "charge": declined',
    });
    await engine.retry(id);
    expect(outputOf(await ended(engine, id))).toBe("done");
    expect((await engine.getInvocation(id))?.journal).toMatchObject([{ name: "charge", tries: 2 }]);
  });
});

describe("giving up", () => {
  test("a step that fails too often: parked with its name and reason; resumed, it has all its tries again", async () => {
    await using db = await createDatabase();
    let tries = 0;
    const stepping = handler(
      "stepping",
      async (ctx) =>
        ctx.run("charge", () => {
          if (++tries < 4) throw new Error(`declined ${tries}`);
          return "done";
        }),
      { retry: { firstDelayMs: 1, maxAttempts: 2 } },
    );
    await using engine = await startEngine(db.url, [stepping]);
    const id = await send(engine, "stepping");
    await waitForStatus(engine, id, "parked");
    expect((await engine.getInvocation(id))?.invocation.failure).toBe('step "charge": declined 2');
    expect(await engine.countOpenInvocations()).toMatchObject({ parked: 1 });
    await engine.resume(id);
    expect(outputOf(await ended(engine, id))).toBe("done");
    expect(tries).toBe(4);
  });

  test("after the time that its service allows: parked", async () => {
    await using db = await createDatabase();
    let attempts = 0;
    const broken = handler("broken", () => Promise.reject(new Error(`always ${++attempts}`)));
    const services = { test: { retry: { firstDelayMs: 1, giveUpAfterMs: 20 } } };
    await using engine = await startEngine(db.url, [broken], { services });
    const id = await send(engine, "broken");
    await waitForStatus(engine, id, "parked");
    expect(attempts).toBeGreaterThan(1);
    expect(attempts).toBeLessThan(70);
  });

  test("a failing that began before its node died counts", async () => {
    await using db = await createDatabase();
    const broken = handler("broken", () => Promise.reject(new Error("always")), { retry: never });
    const before = await startEngine(db.url, [broken]);
    const id = await send(before, "broken");
    await eventually(async () => (await before.getInvocation(id))?.invocation.failure === "always");
    await before.stop();
    await query(db.url, "update engine.invocations set failing_since = now() - interval '1 hour'");
    const impatient = { ...broken, retry: { ...never, giveUpAfterMs: 60_000 } };
    await using engine = await startEngine(db.url, [impatient]);
    await waitForStatus(engine, id, "parked");
  });
});

test("a handler's own settings go before its service's, each by itself", async () => {
  await using db = await createDatabase();
  let attempts = 0;
  const broken = handler("broken", () => Promise.reject(new Error(`always ${++attempts}`)), {
    ...shared,
    retry: { maxAttempts: 3 },
  });
  const services = { test: { retry: { firstDelayMs: 1, maxAttempts: 1 } } };
  await using engine = await startEngine(db.url, [broken], { services });
  await waitForStatus(engine, await send(engine, "broken"), "parked");
  expect(attempts).toBe(3);
});

test("how long ended ones are kept: by handler, else by service", async () => {
  await using db = await createDatabase();
  const short = handler("short", () => Promise.resolve(null), { ...shared, retentionMs: 100 });
  const long = handler("long", () => Promise.resolve(null), shared);
  const services = { test: { retentionMs: 600_000 } };
  await using engine = await startEngine(db.url, [short, long], { services, limits: { retentionMs: 100 } });
  // Another one, which has none of both, leaves them alone.
  await using other = await startEngine(db.url, [], { limits: { retentionMs: 100 } });
  await callOf(engine, "long");
  await callOf(engine, "short");
  await eventually(async () => (await other.listInvocations({ handler: "short", limit: 1 })).length === 0);
  expect(await engine.listInvocations({ handler: "long", limit: 1 })).toHaveLength(1);
});
