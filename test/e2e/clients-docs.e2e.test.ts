import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { leftOutWithout } from "./client-tools.ts";
import { startDevServer } from "./dev-server.ts";
import { documentedCommands, expectOutput } from "./documented-commands.ts";

// docs/clients.md is what it says: its commands run in their order, each prints what the page shows.

refuseLeaks();

const PAGE = path.resolve(import.meta.dirname, "../../docs/clients.md");
const [first, ...rest] = documentedCommands(readFileSync(PAGE, "utf8"));
const TOOLS = ["curl", "perl", "grpcurl"];

let scope: AsyncDisposableStack;
let prelude: string;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const url = await startDevServer(scope, ["--sentinels", "20", "--converge", "50ms"]);
  prelude = first?.commands.replaceAll("8080", new URL(url).port) ?? "";
});

afterAll(() => scope.disposeAsync());

test("the page: has its first block, the addresses, and others", () => {
  expect(first?.commands).toContain("URL=");
  expect(rest.length).toBeGreaterThan(8);
});

test.for(rest)("$heading: $title", async (documented, { skip }) => {
  skip(leftOutWithout(...TOOLS.filter((tool) => documented.commands.includes(`${tool} `))));
  await expectOutput(documented, prelude);
});
