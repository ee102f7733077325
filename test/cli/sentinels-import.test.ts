import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/eventually.ts";
import { hydra } from "./hydra-in-process.ts";
import { startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

/** A server that takes an import as a whole, or not at all. */
async function startImporting(end: (ids: string[]) => unknown = () => {}) {
  const imported: string[][] = [];
  const messages: number[] = [];
  let broken = 0;
  const server = await startScriptedServer({
    events: [],
    sentinels: {
      listSentinels: () => ({}),
      async importSentinels(requests) {
        const ids: string[] = [];
        try {
          for await (const { sentinels } of requests) {
            messages.push(sentinels.length);
            ids.push(...sentinels.map(({ id }) => id));
          }
        } catch (error) {
          broken += 1;
          throw error;
        }
        await end(ids);
        imported.push(ids);
        return { created: ids.length - 1, updated: 1 };
      },
    },
  });
  return { server, imported, messages, broken: () => broken };
}

async function importText(url: string, text: string, ...flags: string[]) {
  await using directory = await createTemporaryDirectory();
  const file = path.join(directory.path, "fleet.jsonl");
  await writeFile(file, text);
  return await hydra(url, ["sentinels", "import", file, ...flags]);
}

const rows = (count: number) => Array.from({ length: count }, (_, index) => JSON.stringify({ id: `s${index + 1}` }));

describe("hydra sentinels import", () => {
  test("more rows than a message takes: in several messages and in order; counts are told", async () => {
    const { server, imported, messages } = await startImporting();
    await using _ = server;
    const result = await importText(server.url, rows(1_201).join("\n"));
    expect(result).toEqual({
      exitCode: 0,
      printed: ["Imported 1,201 sentinels: 1,200 created, 1 updated, 0 unchanged."],
      complaints: [],
    });
    expect(imported).toEqual([rows(1_201).map((row) => JSON.parse(row).id)]);
    expect(messages).toEqual([500, 500, 201]);
    const json = await importText(server.url, `[${rows(3).join()}]`, "--json");
    expect(JSON.parse(json.printed.join())).toEqual({ created: 2, updated: 1, unchanged: 0 });
  });

  test("a bad row after many good ones: named by its line, the server is left without an end", async () => {
    const { server, imported, broken } = await startImporting();
    await using _ = server;
    const result = await importText(server.url, [...rows(5_000), '{"idd":"x"}', ...rows(10)].join("\n"));
    expect(result.complaints).toEqual(['line 5001: there is no column "idd": did you mean id? Nothing was imported.']);
    expect(result.exitCode).toBe(1);
    await eventually(() => expect(broken()).toBe(1));
    expect(imported).toEqual([]);
  });

  test("a row that the server refuses: named by its line, not by its number", async () => {
    const refuse = () => {
      throw new ConnectError("row 2: sentinel s1 was in row 1 already; each id may come once", Code.InvalidArgument);
    };
    const { server } = await startImporting(refuse);
    await using _ = server;
    const result = await importText(server.url, '{"id":"s1"}\n\n\n{"id":"s1"}');
    expect(result.complaints).toEqual([
      "line 4: sentinel s1 was in line 1 already; each id may come once. Nothing was imported.",
    ]);
    expect(result.exitCode).toBe(1);
  });

  test("a connection that is lost before the answer: says that another import does no harm, exit code 5", async () => {
    let cut = () => {};
    const { server } = await startImporting(() => cut());
    await using _ = server;
    cut = () => {
      throw new ConnectError("stopping", Code.Unavailable);
    };
    const result = await importText(server.url, '{"id":"s1"}');
    expect(result.complaints.join()).toMatch(/all sentinels are imported, or none.*Import them again/);
    expect(result.exitCode).toBe(5);
  });

  test("no rows: says so, exit code 0", async () => {
    const { server } = await startImporting();
    await using _ = server;
    const result = await importText(server.url, "\n");
    expect(result.complaints.join()).toMatch(/no sentinels in it/);
    expect(result.exitCode).toBe(0);
  });

  test("a file that cannot be read: says why, exit code 1", async () => {
    const { server, imported } = await startImporting();
    await using _ = server;
    await using directory = await createTemporaryDirectory();
    const missing = await hydra(server.url, ["sentinels", "import", path.join(directory.path, "nope")]);
    expect(missing.complaints.join()).toMatch(/cannot read .*nope: there is no such file/);
    const folder = await hydra(server.url, ["sentinels", "import", directory.path]);
    expect(folder.complaints.join()).toMatch(/it is a directory/);
    expect([missing.exitCode, folder.exitCode, imported.length]).toEqual([1, 1, 0]);
  });
});
