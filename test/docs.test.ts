import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { describe, expect, test } from "vitest";
import { commandPage, visibleCommands } from "../scripts/docs/command-page.ts";
import { documentedProgram } from "../scripts/docs/documented-program.ts";
import { settingPage } from "../scripts/docs/setting-page.ts";
import { settings } from "../src/config/index.ts";
import { callsOf, flagsAlone, variablesOf } from "./docs/documentation.ts";

// The documentation against the program. That all of the program is documented follows from two pages that are made
// from it; here is that they are fresh, and that what the other pages name exists.

const ROOT = path.join(import.meta.dirname, "..");
const GENERATED = ["docs/commands.md", "docs/configuration.md"];
const PAGES = ["README.md", ...readdirSync(path.join(ROOT, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md") && !GENERATED.includes(name),
);
const program = documentedProgram();
/** Named by the pages, and of other programs: buf, grpcurl, Node and the benchmarks. */
const FLAGS_OF_OTHERS = [
  "--protocol",
  "--semi-space-growth-factor",
  "--heap-growing-percent",
  "--max-semi-space-size",
  "--no-parallel-scavenge",
  "--single-threaded-gc",
  "--reflect-header",
  "--only",
  "--deployments",
  "--rounds",
  "--quiet",
];
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");

test("docs/commands.md: what the help of every command says", () => {
  expect(read("docs/commands.md")).toBe(commandPage(program));
});

test("docs/configuration.md: every setting", () => {
  expect(read("docs/configuration.md")).toBe(settingPage());
});

describe.each(PAGES)("%s", (page) => {
  test("every command and flag of hydra that it names exists", () => {
    const ownFlags = visibleCommands(program).flatMap(({ command }) => flagsOf(command));
    const flags = new Set([...ownFlags, ...FLAGS_OF_OTHERS]);
    const unknown = [
      ...callsOf(read(page)).filter((call) => !isCall(call)),
      ...flagsAlone(read(page)).filter((flag) => !flags.has(flag)),
    ];
    expect(unknown).toEqual([]);
  });

  test("every variable that it names is read", () => {
    const known = new Set(Object.values(settings).map(({ name }) => name));
    const unknown = variablesOf(read(page)).filter((name) => !known.has(name) && !telemetryReads(name));
    expect(unknown).toEqual([]);
  });
});

/** The words after `hydra`: commands as far as there are any, then only flags of the last one count. */
function isCall(words: readonly string[]): boolean {
  let command = program;
  for (const word of words) {
    if (word.startsWith("-")) {
      const [flag = ""] = word.split("=");
      if (!flagsOf(command).includes(flag)) return false;
      continue;
    }
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child) command = child;
    else if (command.commands.length > 0 && !isPlaceholder(word)) return false;
  }
  return true;
}

function flagsOf(command: CommandUnknownOpts): string[] {
  const options = command.createHelp().visibleOptions(command);
  return options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
}

function isPlaceholder(word: string): boolean {
  return /^([A-Z]+|…|help)$/.test(word);
}

/** OpenTelemetry's packages have settings of their own. */
function telemetryReads(name: string): boolean {
  if (!name.startsWith("OTEL_")) return false;
  const packages = path.join(ROOT, "node_modules/@opentelemetry");
  return readdirSync(packages, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".mjs"))
    .some((file) => readFileSync(path.join(packages, file), "utf8").includes(name));
}
