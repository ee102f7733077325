import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { ColumnType } from "../../../src/engine/effect.ts";
import { encodeArray } from "../../../src/engine/store/arrays.ts";
import { decodeColumn } from "../../../src/engine/store/columns.ts";
import "../../support/global-setup.ts";

// What Postgres reads is what was meant: each array is sent in binary form and
// comes back as text, element by element.

let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({
    connectionString: inject("adminUrl"),
    types: { getTypeParser: () => (text: string) => text },
  });
  await client.connect();
});
afterAll(() => client.end());

async function roundTrip(type: ColumnType, values: readonly unknown[]): Promise<unknown[]> {
  const array = encodeArray(type, values);
  const { rows } = await client.query<{ value: string | null }>({
    text: `select v as value from unnest($1::${type}[]) with ordinality as u(v, ord) order by ord`,
    values: [array],
  });
  return rows.map(({ value }) => decodeColumn(type, value));
}

// A NUL cannot be stored in a text; half a surrogate pair is no text.
const text = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .filter((value) => !value.includes("\0") && value.isWellFormed());
const json = fc
  .jsonValue({ depthSize: "small" })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll("\\u0000", "")));

const columns: [ColumnType, fc.Arbitrary<unknown>][] = [
  ["text", text],
  ["int4", fc.integer()],
  ["int8", fc.maxSafeInteger()],
  ["bool", fc.boolean()],
  ["float8", fc.double({ noDefaultInfinity: true, noNaN: true })],
  ["json", json.filter((value) => value !== null)],
];

describe("encodeArray()", () => {
  test.each(columns)("%s: Postgres reads what was sent, NULLs included", async (type, element) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(element), { maxLength: 20 }), async (values) => {
        expect(await roundTrip(type, values)).toEqual(values);
      }),
      { numRuns: 60 },
    );
  });

  test.each(columns)("%s: undefined is NULL, an empty array is empty", async (type) => {
    expect(await roundTrip(type, [undefined, null])).toEqual([null, null]);
    expect(await roundTrip(type, [])).toEqual([]);
  });

  test("the ends of the ranges", async () => {
    const safe = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32, 2 ** 32 - 1, -(2 ** 32), -1, 0];
    expect(await roundTrip("int8", safe)).toEqual(safe);
    expect(await roundTrip("int4", [2 ** 31 - 1, -(2 ** 31)])).toEqual([2 ** 31 - 1, -(2 ** 31)]);
    expect(await roundTrip("float8", [Infinity, -Infinity, NaN, -0, 5e-324])).toEqual([
      Infinity,
      -Infinity,
      NaN,
      -0,
      5e-324,
    ]);
  });

  test.each([
    ["int8", 2 ** 53],
    ["int8", 0.5],
    ["int8", NaN],
    ["int4", 2 ** 31],
  ] as const)("%s %d: refused, not rounded", (type, value) => {
    expect(() => encodeArray(type, [value])).toThrow(RangeError);
  });

  test("json null is a value where the column says so: it is sent as NULL", async () => {
    expect(await roundTrip("json", [null, { a: null }])).toEqual([null, { a: null }]);
  });
});
