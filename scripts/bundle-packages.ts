import path from "node:path";
import { rolldown } from "rolldown";
import { writeNotice } from "./notice.ts";

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
  writeNotice(root, dir, output);
}

function fileOf(specifier: string): string {
  return specifier.replaceAll("/", "__");
}
