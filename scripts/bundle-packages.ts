import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";

/** What a command of an operator loads of packages; in single files they are there in half the time. */
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

/** What is inside besides: the package that one of those is a wrapper of. */
const INSIDE = ["commander"];

/**
 * Writes the packages as few files into `dist/packages`, one for each name that
 * is imported: `@a/b/c` is `@a__b__c.js`. `bin/bundled-packages.js` finds them there.
 */
export async function bundlePackages(root: string): Promise<void> {
  const dir = path.join(root, "dist/packages");
  const input = Object.fromEntries(SPECIFIERS.map((specifier) => [specifier.replaceAll("/", "__"), specifier]));
  await using bundle = await rolldown({ input, platform: "node", cwd: root });
  await bundle.write({ dir, format: "esm", entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" });
  writeFileSync(path.join(dir, "NOTICE"), noticeOf(root));
}

function noticeOf(root: string): string {
  const names = new Set([...SPECIFIERS.map((specifier) => specifier.split("/").slice(0, 2).join("/")), ...INSIDE]);
  const lines = [...names].map((name) => {
    const text = readFileSync(path.join(root, "node_modules", name, "package.json"), "utf8");
    const { version, license } = JSON.parse(text) as { version: string; license: string };
    return `${name} ${version}, ${license}: https://www.npmjs.com/package/${name}`;
  });
  return `These files are made of the following packages, unchanged but for being put together:\n\n${lines.join("\n")}\n`;
}
