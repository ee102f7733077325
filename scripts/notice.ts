import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { OutputAsset, OutputChunk } from "rolldown";

/** Writes beside files that were made of packages which ones these are, those that others brought included. */
export function writeNotice(root: string, dir: string, output: readonly (OutputAsset | OutputChunk)[]): void {
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? Object.keys(chunk.modules) : []));
  const folders = modules.flatMap((module) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module) ?? []);
  const lines = [...new Set(folders)].sort().map((folder) => {
    const text = readFileSync(path.join(root, path.relative(root, folder), "package.json"), "utf8");
    const { name, version, license } = JSON.parse(text) as { name: string; version: string; license: string };
    return `${name} ${version}, ${license}: https://www.npmjs.com/package/${name}`;
  });
  const told = "These files are made of the following packages, unchanged but for being put together:";
  writeFileSync(path.join(dir, "NOTICE"), `${told}\n\n${lines.join("\n")}\n`);
}
