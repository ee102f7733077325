import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Painter } from "../../src/cli/drawing/painter.ts";
import { createVirtualTerminal } from "./virtual-terminal.ts";

/** A picture that shows when a part of it is there twice: every line has a name of its own. */
function picture(name: string, lines: number, columns: number): string[] {
  return Array.from({ length: lines }, (_, row) => `${name}${row} `.padEnd(columns - 1, "#"));
}

function set(columns: number, rows: number) {
  const terminal = createVirtualTerminal({ columns, rows });
  const painter = new Painter((text) => terminal.write(text));
  const paint = (lines: readonly string[]) => painter.paint(lines, terminal.size());
  return { terminal, painter, paint };
}

describe("Painter", () => {
  test("P1 a line that is wider than the terminal: one row all the same", async () => {
    const { terminal, paint } = set(20, 10);
    paint(["a".repeat(50), "b"]);
    paint(["a".repeat(50), "c"]);
    expect(await terminal.screen()).toEqual(["a".repeat(20), "c"]);
  });

  test.each([
    ["narrower", 40, 20],
    ["wider", 160, 20],
    ["lower", 80, 6],
    ["narrower and lower", 30, 6],
  ])(
    "P2 a terminal that gets %s: nothing of the old picture is left, what stands above it stays",
    async (_, columns, rows) => {
      const { terminal, paint } = set(80, 20);
      terminal.print("$ hydra watch");
      paint(picture("old", 8, 80));
      await terminal.resize(columns, rows);
      const lines = picture("new", rows > 10 ? 8 : rows - 1, columns);
      paint(lines);
      const screen = await terminal.screen();
      expect(screen.slice(-lines.length)).toEqual(lines.map((line) => line.trimEnd()));
      expect(screen.join("\n")).not.toContain("old");
      expect([...(await terminal.scrollback()), ...screen]).toContain("$ hydra watch");
    },
  );

  test("P2 lower, then higher again: the rows that come back from above are cleared", async () => {
    const { terminal, paint } = set(80, 30);
    paint(picture("old", 25, 80));
    await terminal.resize(80, 10);
    paint(picture("low", 9, 80));
    await terminal.resize(80, 30);
    paint(picture("new", 25, 80));
    const screen = await terminal.screen();
    expect(screen).toEqual(picture("new", 25, 80));
  });

  test("P2 any changes of size and content: what is seen last is the last picture, once", async () => {
    const change = fc.record({
      columns: fc.integer({ min: 20, max: 200 }),
      rows: fc.integer({ min: 3, max: 50 }),
      lines: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const { terminal, paint } = set(80, 24);
        paint(picture("first", 12, 80));
        let last: string[] = [];
        for (const [index, { columns, rows, lines }] of changes.entries()) {
          await terminal.resize(columns, rows);
          last = picture(`p${index}-`, lines, columns).slice(0, rows - 1);
          paint(last);
        }
        const screen = await terminal.screen();
        expect(screen.filter((line) => /^(first|p)\d/.test(line))).toEqual(last);
      }),
      { numRuns: 60 },
    );
  });

  test("P3 the same picture again: nothing is written; one line more: that line alone", async () => {
    const { terminal, paint } = set(80, 24);
    paint(["a", "b", "c"]);
    const before = terminal.written().length;
    paint(["a", "b", "c"]);
    expect(terminal.written().length).toBe(before);
    paint(["a", "b", "c", "d"]);
    expect(terminal.written().slice(before)).not.toMatch(/[abc]\r/);
    expect(await terminal.screen()).toEqual(["a", "b", "c", "d"]);
  });

  test("fewer lines than before: the rest is gone", async () => {
    const { terminal, paint } = set(80, 24);
    paint(["a", "b", "c"]);
    paint(["a", "d"]);
    expect(await terminal.screen()).toEqual(["a", "d"]);
    paint(["a"]);
    expect(await terminal.screen()).toEqual(["a"]);
  });

  test("lines put in above: they stay there, whatever the picture becomes", async () => {
    const { terminal, painter, paint } = set(80, 24);
    paint(["a", "b"]);
    painter.insert(["a note"], terminal.size());
    paint(["a", "c"]);
    expect(await terminal.screen()).toEqual(["a note", "a", "c"]);
  });

  test("Ctrl-C shown by the terminal: the next picture takes it away, and so does the end", async () => {
    const { terminal, painter, paint } = set(80, 24);
    paint(["a"]);
    terminal.write("^C");
    paint(["b"]);
    expect(await terminal.screen()).toEqual(["b"]);
    terminal.write("^C");
    painter.done();
    expect(await terminal.screen()).toEqual(["b"]);
  });

  test("done: the next picture begins below", async () => {
    const { terminal, painter, paint } = set(80, 24);
    paint(["a"]);
    painter.done();
    paint(["b"]);
    expect(await terminal.screen()).toEqual(["a", "b"]);
  });
});
