import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  cycles,
  doorBreaches,
  layerBreaches,
  processBreaches,
  rpcBreaches,
  shapeBreaches,
  wordBreaches,
} from "./architecture/rules.ts";
import { readImports, readSourceFiles, sourceFile } from "./architecture/source-files.ts";

const RULES = { layerBreaches, doorBreaches, rpcBreaches, wordBreaches, cycles, shapeBreaches, processBreaches };

describe("src", () => {
  const files = readSourceFiles(path.dirname(import.meta.dirname), "src");

  test("the whole tree: is read", () => {
    expect(files.map((file) => file.path)).toContain("src/engine/store/batch.ts");
    expect(files.flatMap((file) => file.imports).length).toBeGreaterThan(files.length);
  });

  test.each(Object.entries(RULES))("%s: none", (_name, rule) => {
    expect(rule(files)).toEqual([]);
  });

  test("wordBreaches in SQL: none", () => {
    const sql = readSourceFiles(path.dirname(import.meta.dirname), "src/engine", "sql");
    expect(sql.length).toBeGreaterThan(0);
    expect(wordBreaches(sql)).toEqual([]);
  });
});

describe("a file that breaks a rule", () => {
  test.each([
    ["a layer that imports one above it", layerBreaches, "src/engine/a.ts", 'import { x } from "../rollout/index.ts";'],
    ["a type is an import, too", layerBreaches, "src/agent/a.ts", 'import type { X } from "../server/index.ts";'],
    ["a folder that is no layer", layerBreaches, "src/tools/a.ts", 'import { x } from "./b.ts";'],
    ["past the door", doorBreaches, "src/server/a.ts", 'export {\n  x,\n} from "../rollout/waves.ts";'],
    ["the test seam of one's own layer", doorBreaches, "src/engine/a.ts", 'import { x } from "./testing.ts";'],
    ["a dynamic import", doorBreaches, "src/bin/a.ts", 'const x = await import("../server/server.ts");'],
    ["RPC in the engine", rpcBreaches, "src/engine/a.ts", 'import { Code } from "@connectrpc/connect";'],
    ["a word of the domain in the engine", wordBreaches, "src/engine/a.ts", "// Of a rollout."],
    ["itself", cycles, "src/engine/a.ts", 'import "./a.ts";'],
    ["301 lines", shapeBreaches, "src/engine/a.ts", "\n".repeat(301)],
    ["an empty name", shapeBreaches, "src/engine/string-utils.ts", ""],
    ["an empty folder name", shapeBreaches, "src/engine/common/a.ts", ""],
    ["a name in camel case", shapeBreaches, "src/engine/unitQueue.ts", ""],
    ["a signal", processBreaches, "src/server/a.ts", 'process.on("SIGINT", stop);'],
    ["the environment", processBreaches, "src/cli/a.ts", 'const url = process.env["HYDRA_URL"];'],
  ])("%s: is reported", (_situation, rule, file, text) => {
    expect(rule([sourceFile(file, `${text}\n`)])).toHaveLength(1);
  });

  test("three files in a ring: reported once, with the way round", () => {
    const ring = [
      sourceFile("src/engine/a.ts", 'import { b } from "./b.ts";\n'),
      sourceFile("src/engine/b.ts", 'import { type C, c } from "./store/c.ts";\n'),
      sourceFile("src/engine/store/c.ts", 'import { a } from "../a.ts";\n'),
    ];
    expect(cycles(ring)).toEqual(["src/engine/a.ts -> src/engine/b.ts -> src/engine/store/c.ts -> src/engine/a.ts"]);
  });

  test("a ring with one type-only import: is none at run time", () => {
    const ring = [
      sourceFile("src/engine/a.ts", 'import { b } from "./b.ts";\n'),
      sourceFile("src/engine/b.ts", 'import type { A } from "./a.ts";\n'),
    ];
    expect(cycles(ring)).toEqual([]);
  });
});

test("imports and re-exports of every form: all are found", () => {
  const text = [
    'import pg from "pg";',
    'import * as net from "node:net";',
    'import type { A } from "./a.ts";',
    'import {\n  type B,\n  b,\n} from "./b.ts";',
    'import d, { e as f } from "./d.ts";',
    'import "./side-effect.ts";',
    'export { g } from "./g.ts";',
    'export type { H } from "./h.ts";',
    'export * from "./i.ts";',
    'export const text = "from";',
    'const late = await import("./late.ts");',
  ].join("\n");
  const imports = readImports(text);
  expect(imports.map((entry) => entry.specifier).toSorted()).toEqual(
    [
      "./a.ts",
      "./b.ts",
      "./d.ts",
      "./g.ts",
      "./h.ts",
      "./i.ts",
      "./late.ts",
      "./side-effect.ts",
      "node:net",
      "pg",
    ].toSorted(),
  );
  expect(imports.filter((entry) => entry.typeOnly).map((entry) => entry.specifier)).toEqual(["./a.ts", "./h.ts"]);
});
