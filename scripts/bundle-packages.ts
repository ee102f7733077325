import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";

/** What a command or a server loads of packages; in single files they are there in half the time. */
const SPECIFIERS = [
  "@bufbuild/protobuf",
  "@bufbuild/protobuf/codegenv2",
  "@bufbuild/protobuf/wkt",
  "@commander-js/extra-typings",
  "@connectrpc/connect",
  "@connectrpc/connect/protocol",
  "@connectrpc/connect/protocol-connect",
  "@connectrpc/connect-node",
];

/** Of these only what a file of our own names; a CommonJS package has its names from there, too. */
const IN_PART = {
  "@kubernetes/client-node": "scripts/bundled/kubernetes-client-node.ts",
  pg: "scripts/bundled/pg.ts",
  pino: "scripts/bundled/pino.ts",
  "prom-client": "scripts/bundled/prom-client.ts",
};

/**
 * Writes the packages as few files into `dist/packages`, one for each name that
 * is imported: `@a/b/c` is `@a__b__c.js`. `bin/bundled-packages.js` finds them there.
 */
export async function bundlePackages(root: string): Promise<void> {
  const dir = path.join(root, "dist/packages");
  const whole = SPECIFIERS.map((specifier) => [fileOf(specifier), specifier]);
  const inPart = Object.entries(IN_PART).map(([specifier, file]) => [fileOf(specifier), path.join(root, file)]);
  const input = Object.fromEntries([...whole, ...inPart]) as Record<string, string>;
  await using bundle = await rolldown({ input, platform: "node", cwd: root });
  const names = { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" };
  const { output } = await bundle.write({ dir, format: "esm", ...names });
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? Object.keys(chunk.modules) : []));
  writeFileSync(path.join(dir, "NOTICE"), noticeOf(root, modules));
}

function fileOf(specifier: string): string {
  return specifier.replaceAll("/", "__");
}

/** Names each package that a module is of, those that others brought included. */
function noticeOf(root: string, modules: readonly string[]): string {
  const folders = modules.flatMap((module) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module) ?? []);
  const lines = [...new Set(folders)].sort().map((folder) => {
    const text = readFileSync(path.join(root, path.relative(root, folder), "package.json"), "utf8");
    const { name, version, license } = JSON.parse(text) as { name: string; version: string; license: string };
    return `${name} ${version}, ${license}: https://www.npmjs.com/package/${name}`;
  });
  return `These files are made of the following packages, unchanged but for being put together:\n\n${lines.join("\n")}\n`;
}
