// The list of crash points is read against the code, so that none is forgotten.
// That a process can be killed at each: the matrix and the scenarios in crash/.

import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { CRASH_POINTS } from "../../src/engine/crash-points.ts";

const ENGINE = new URL("../../src/engine/", import.meta.url);

const CALL = /crashPoint\(([^)]*)\)/g;
/** A statement that is sent on its own, outside of batches, and changes something. */
const WRITE = /\.query\b[^;]*?\b(?:(?:insert into|update|delete from) engine\.|engine\.take_ids)/g;

async function sources(): Promise<[name: string, text: string][]> {
  const files = (await readdir(ENGINE, { recursive: true })).filter((name) => name.endsWith(".ts"));
  return Promise.all(files.map(async (name) => [name, await readFile(new URL(name, ENGINE), "utf8")]));
}

describe("crash points", () => {
  test("the code comes to each of the list, at one place, and to no other", async () => {
    const called = (await sources()).flatMap(([, text]) =>
      [...text.matchAll(CALL)].flatMap(([, names = ""]) => names.match(/(?<=")[^"]+(?=")/g)?.filter(isName) ?? []),
    );
    expect(called.toSorted()).toEqual([...CRASH_POINTS].toSorted());
  });

  test("a file that writes outside of batches has one before its first write and one after its last", async () => {
    const writing = (await sources()).filter(([, text]) => text.search(WRITE) >= 0);
    expect(writing.map(([name]) => name)).toEqual(expect.arrayContaining(["store/ids.ts", "store/nodes.ts"]));
    const bare = writing.filter(([, text]) => {
      const writes = [...text.matchAll(WRITE)].map(({ index }) => index);
      const points = [...text.matchAll(CALL)].map(({ index }) => index);
      return !(Math.min(...points) < Math.min(...writes) && Math.max(...points) > Math.max(...writes));
    });
    expect(bare.map(([name]) => name)).toEqual([]);
  });
});

function isName(text: string): boolean {
  return /^[a-z]+:[a-z-]+$/.test(text);
}
