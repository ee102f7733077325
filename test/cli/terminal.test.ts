import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { createTerminal } from "../../src/cli/terminal.ts";

function terminal(env: Record<string, string>, isTTY = true) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 30 }) as unknown as NodeJS.WriteStream;
  return createTerminal(stream, stream, env);
}

function isColored(env: Record<string, string>, isTTY?: boolean): boolean {
  return terminal(env, isTTY).style.colors.red("x") !== "x";
}

describe("createTerminal()", () => {
  test("a terminal: drawn over, in colour; a pipe: neither", () => {
    expect([terminal({}).live, isColored({})]).toEqual([true, true]);
    expect([terminal({}, false).live, isColored({}, false)]).toEqual([false, false]);
    expect(terminal({}).size()).toEqual({ columns: 100, rows: 30 });
  });

  test.each([
    [{ NO_COLOR: "1" }, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    [{ TERM: "dumb" }, false],
    [{ NO_COLOR: "" }, true],
  ] as [Record<string, string>, boolean][])("%j: colours %s", (env, expected) => {
    expect(isColored(env)).toBe(expected);
  });

  test("FORCE_COLOR: colours in a pipe, too; 0: none", () => {
    expect(isColored({ FORCE_COLOR: "1" }, false)).toBe(true);
    expect(isColored({ FORCE_COLOR: "0" }, false)).toBe(false);
    expect(terminal({ FORCE_COLOR: "1" }, false).live).toBe(false);
  });

  test("restore(): nothing where nothing was drawn; else the cursor, once", () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
    const it = createTerminal(stream as unknown as NodeJS.WriteStream, stream as unknown as NodeJS.WriteStream, {});
    it.restore();
    expect(stream.read()).toBeNull();
    it.write("x");
    it.restore();
    it.restore();
    expect(String(stream.read()).split("\u001b[?25h")).toHaveLength(2);
  });

  test("onResize(): until it is undone", () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const it = createTerminal(stream as unknown as NodeJS.WriteStream, stream as unknown as NodeJS.WriteStream, {});
    let calls = 0;
    const undo = it.onResize(() => (calls += 1));
    stream.emit("resize");
    undo();
    stream.emit("resize");
    expect(calls).toBe(1);
    expect(stream.listenerCount("resize")).toBe(0);
  });

  test.each([
    [{ LANG: "en_US.UTF-8" }, "█"],
    [{ LANG: "C.utf8" }, "█"],
    [{}, "█"],
    [{ LANG: "C" }, "#"],
    [{ LC_ALL: "POSIX", LANG: "en_US.UTF-8" }, "#"],
    [{ TERM: "linux" }, "#"],
  ] as [Record<string, string>, string][])("%j: bars of %s", (env, cell) => {
    expect(terminal(env).style.symbols.ready).toBe(cell);
  });
});
