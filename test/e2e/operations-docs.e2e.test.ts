import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { leftOutWithout } from "./client-tools.ts";
import { documentedCommands, expectOutput } from "./documented-commands.ts";
import { startHydraProcess, urlOf } from "./hydra-process.ts";

// docs/operations.md is what it says: its commands run in their order, each prints what the page shows.

refuseLeaks();

const ROOT = path.resolve(import.meta.dirname, "../..");
const blocks = documentedCommands(readFileSync(path.join(ROOT, "docs/operations.md"), "utf8"));
const TOOLS = ["curl", "psql"];

let scope: AsyncDisposableStack;
let prelude: string;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const directory = scope.use(await createTemporaryDirectory());
  const fleet = ["--sentinels", "20", "--converge", "50ms", "--fail", "snt_000004=image_pull"];
  const dev = scope.use(startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...fleet]));
  const url = await urlOf(dev);
  // The block that sets the address and `post` is for all that come after it.
  const definitions = blocks.find(({ commands }) => commands.startsWith("URL="))?.commands ?? "";
  prelude = [
    `export HYDRA_URL=${url} HYDRA_DATA_DIR=${directory.path} HYDRA_TOKEN=any`,
    `hydra() { ${process.execPath} ${ROOT}/bin/hydra.js "$@"; }`,
    definitions.replace("http://127.0.0.1:8080", url),
  ].join("\n");
});

afterAll(() => scope.disposeAsync());

test("the page: has commands, and says what they print", () => {
  expect(blocks.filter(({ output }) => output.length > 0).length).toBeGreaterThan(12);
});

test.for(blocks)("$heading: $title", { timeout: 120_000 }, async (documented, { skip }) => {
  skip(leftOutWithout(...TOOLS.filter((tool) => documented.commands.includes(`${tool} `))));
  await expectOutput(documented, prelude);
});
