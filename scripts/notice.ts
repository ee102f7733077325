import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { OutputAsset, OutputChunk } from "rolldown";

/** Writes beside files that were made of packages which ones these are, with their licenses, those that others brought included. */
export function writeNotice(root: string, dir: string, output: readonly (OutputAsset | OutputChunk)[]): void {
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? Object.keys(chunk.modules) : []));
  const folders = modules.flatMap((module) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module) ?? []);
  const packages = [...new Set(folders)].sort().map((folder) => {
    const text = readFileSync(path.join(folder, "package.json"), "utf8");
    const { name, version, license } = JSON.parse(text) as { name: string; version: string; license: string };
    const licenses = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
    const texts = licenses.map((file) => `\n\n${readFileSync(path.join(folder, file), "utf8").trim()}`);
    return `${name} ${version}, ${license}: https://www.npmjs.com/package/${name}${texts.join("")}`;
  });
  const told = "These files are made of the following packages, unchanged but for being put together:";
  writeFileSync(path.join(dir, "NOTICE"), `${told}\n\n${packages.join("\n\n---\n\n")}\n`);
}
