import { globSync, readFileSync } from "node:fs";
import path from "node:path";

export interface Import {
  /** As written, e.g. `./waves.ts` or `pg`. */
  specifier: string;
  /** Whether the whole statement is gone at run time. */
  typeOnly: boolean;
}

export interface SourceFile {
  /** From the root of the checkout, with `/`. */
  path: string;
  lines: number;
  imports: Import[];
  text: string;
}

// The formatter puts every import and re-export at the start of a line, with its specifier in double quotes.
const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[\w*$\s,]|\{[^}]*\})*?from\s*"([^"]+)"/gm;
const SIDE_EFFECT = /^import\s*"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"/g;

/** All imports and re-exports of a formatted TypeScript file. */
export function readImports(text: string): Import[] {
  return [
    ...[...text.matchAll(STATEMENT)].map(([, type, specifier]) => ({
      specifier: specifier ?? "",
      typeOnly: type !== undefined,
    })),
    ...[...text.matchAll(SIDE_EFFECT), ...text.matchAll(DYNAMIC)].map(([, specifier]) => ({
      specifier: specifier ?? "",
      typeOnly: false,
    })),
  ];
}

/** Every TypeScript file below `folder`, generated code left out. */
export function readSourceFiles(root: string, folder: string, extensions = "{ts,tsx}"): SourceFile[] {
  return globSync(`${folder}/**/*.${extensions}`, { cwd: root })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => !file.startsWith("src/gen/"))
    .map((file) => sourceFile(file, readFileSync(path.join(root, file), "utf8")));
}

export function sourceFile(file: string, text: string): SourceFile {
  return { path: file, text, lines: text.split("\n").length - 1, imports: readImports(text) };
}

/** The file of ours that an import means, from the root of the checkout; undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
}
