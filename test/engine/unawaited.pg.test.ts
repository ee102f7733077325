import { describe, expect, test } from "vitest";
import {
  callOf,
  createMarks,
  ended,
  handler,
  mark,
  marksOf,
  outputOf,
  send,
  shared,
  startEngine,
  waitForStatus,
} from "./support.ts";

describe("what a handler does not wait for", () => {
  test("E4. it is written before the handler's end, and once", async () => {
    await using db = await createMarks();
    const child = handler("child", async (ctx) => ctx.tx(mark, { name: "child" }), shared);
    const hasty = handler("hasty", async (ctx) => {
      void ctx.set("state", "kept");
      void ctx.tx(mark, { name: "tx" });
      void ctx.tx(mark, { name: "tx" });
      void ctx.send(child, "k", null);
      return "done";
    });
    await using engine = await startEngine(db.url, [hasty, child]);
    expect(await callOf(engine, "hasty")).toBe("done");
    expect(await engine.getState("test", "k")).toEqual(new Map([["state", '"kept"']]));
    await expect.poll(() => marksOf(db.url)).toEqual({ child: 1, tx: 2 });
  });

  test("where it fails: the attempt fails, and the handler's end does not happen", async () => {
    await using db = await createMarks();
    const hasty = handler(
      "hasty",
      async (ctx) => {
        void ctx.tx(mark, { name: "forbidden" });
        return "done";
      },
      { retry: { maxAttempts: 1 } },
    );
    await using engine = await startEngine(db.url, [hasty]);
    const id = await send(engine, "hasty");
    await waitForStatus(engine, id, "parked");
    expect((await engine.getInvocation(id))?.invocation.failure).toContain("marks_name_check");
  });

  test("where it ends the invocation: that is its end, and the handler's is not", async () => {
    await using db = await createMarks();
    const hasty = handler("hasty", async (ctx) => {
      void ctx.tx(mark, { name: "end" }, { end: () => ({ output: "by tx" }) });
      return "by handler";
    });
    await using engine = await startEngine(db.url, [hasty]);
    const id = await send(engine, "hasty");
    expect(outputOf(await ended(engine, id))).toBe("by tx");
    expect(await engine.output(id)).toMatchObject({ output: '"by tx"' });
    expect(await callOf(engine, "hasty")).toBe("by tx");
  });
});
