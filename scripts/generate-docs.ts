// Writes the pages of docs/ that are made from the program. With --check it only fails where one is not what it would write.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { commandPage } from "./docs/command-page.ts";
import { documentedProgram } from "./docs/documented-program.ts";
import { settingPage } from "./docs/setting-page.ts";

const docs = path.join(path.dirname(import.meta.dirname), "docs");
const pages = {
  "commands.md": commandPage(documentedProgram()),
  "configuration.md": settingPage(),
};

for (const [name, text] of Object.entries(pages)) {
  const file = path.join(docs, name);
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (read(file) !== text) {
    console.error(`docs/${name} is not what the program says: run \`node scripts/generate-docs.ts\``);
    process.exitCode = 1;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
