import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonRows } from "../../../src/cli/import/json-rows.ts";
import { LONGEST_ROW, NOT_UTF8 } from "../../../src/cli/import/row-text.ts";

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(text: string | Uint8Array, chunk = 7) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const rows: [place: string, row: string][] = [];
  for await (const row of jsonRows(chunksOf(bytes, chunk))) rows.push([row.place, row.text.trim()]);
  return rows;
}

const values = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 6 });
const chunk = fc.integer({ min: 1, max: 40 });

describe("rows of an import", () => {
  test("whatever is in them, and wherever the text is cut: each element, each line is a row", async () => {
    await fc.assert(
      fc.asyncProperty(values, chunk, fc.constantFrom(undefined, 2), async (rows, size, indent) => {
        const array = await rowsOf(`\uFEFF \n${JSON.stringify(rows, undefined, indent)}\n`, size);
        expect(array.map(([, row]) => JSON.parse(row))).toEqual(JSON.parse(JSON.stringify(rows)));
        expect(array.map(([place]) => place)).toEqual(rows.map((_, index) => `element ${index + 1}`));
        const lines = await rowsOf(rows.map((row) => JSON.stringify(row)).join("\n"), size);
        expect(lines.map(([, row]) => JSON.parse(row))).toEqual(JSON.parse(JSON.stringify(rows)));
      }),
    );
  });

  test("empty lines and lines of Windows: passed over, and counted", async () => {
    expect(await rowsOf('\n{"id":"a"}\r\n\r\n  \n{"id":"b"}')).toEqual([
      ["line 2", '{"id":"a"}'],
      ["line 5", '{"id":"b"}'],
    ]);
  });

  test.each(["", " \n\t", "[]", " [ \n ] \n"])("%j: no rows", async (text) => {
    expect(await rowsOf(text)).toEqual([]);
  });

  test.each([
    ['[{"id":"a"}', /element 1: the array has no end/],
    ['[{"id":"a"},', /element 2: the array has no end/],
    ['[{"id":"a"},]', /element 2: there is nothing/],
    ['[,{"id":"a"}]', /element 1: there is nothing/],
    ['[{"id":"a"}}', /element 1: there is a } too many/],
    ['[{"id":"a"}] {"id":"b"}', /after element 1: there is more text/],
    ['["a', /element 1: the array has no end/],
    [`[{"id":"${"x".repeat(LONGEST_ROW)}"}]`, /element 1: it has more than 262144 characters/],
    [`{}\n{"id":"${"x".repeat(LONGEST_ROW)}"}`, /line 2: it has more than 262144 characters/],
  ])("text %# that is no good: refused, with the place", async (text, problem) => {
    await expect(rowsOf(text, 4_096)).rejects.toThrow(problem);
  });

  test.each([1, 2, 100])("bytes that are no UTF-8, %i at a time: marked in their row", async (size) => {
    const lines = Uint8Array.from([0x7b, 0x7d, 0x0a, 0x7b, 0xff, 0x7d, 0x0a, 0x7b, 0xc3]);
    expect(await rowsOf(lines, size)).toEqual([
      ["line 1", "{}"],
      ["line 2", `{${NOT_UTF8}}`],
      ["line 3", `{${NOT_UTF8}`],
    ]);
  });
});
