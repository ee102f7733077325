// The rules that keep the layers apart. Each takes the files of src and answers
// with one sentence per breach.

import path from "node:path";
import { resolveImport, type SourceFile } from "./source-files.ts";

// What each layer may import besides itself and packages. `src/bin` composes all.
const LAYERS: Record<string, readonly string[]> = {
  gen: [],
  engine: [],
  postgres: [],
  config: [],
  client: ["gen"],
  rollout: ["engine", "gen"],
  server: ["engine", "rollout", "gen"],
  agent: ["gen"],
  web: ["gen"],
  cli: ["gen", "client"],
};
LAYERS["bin"] = Object.keys(LAYERS);

// Layers that know nothing of how they are called.
const WITHOUT_RPC = new Set(["engine", "rollout", "postgres"]);

const DOMAIN = /rollout|sentinel|kubernetes/i;
const MOST_LINES = 300;
const EMPTY_NAMES = /(^|[-.])(utils?|helpers?|common|misc|shared)([-.]|$)/;
const PROCESS_LIFE = /\bprocess\.(exit\b|exitCode\b|on\(|once\()/;
const PROCESS_ENVIRONMENT = /\bprocess\.env\b/;
const COMMENT = /^\s*(\/\/|\/?\*).*$/gm;

/** `src/engine/store/batch.ts` is of the layer `engine`, `src/cli/words.ts` of `cli`. */
function layerOf(file: string): string {
  return file.split("/")[1] ?? "";
}

interface Edge {
  from: string;
  to: string;
  typeOnly: boolean;
}

function edges(files: readonly SourceFile[]): Edge[] {
  return files.flatMap(({ path: from, imports }) =>
    imports.flatMap(({ specifier, typeOnly }) => {
      const to = resolveImport(from, specifier);
      return to === undefined ? [] : [{ from, to, typeOnly }];
    }),
  );
}

/** A layer is imported only by those above it. */
export function layerBreaches(files: readonly SourceFile[]): string[] {
  return edges(files).flatMap(({ from, to }) => {
    const allowed = LAYERS[layerOf(from)];
    if (!allowed) return [`${from} is in no known layer`];
    if (!to.startsWith("src/")) return [`${from} imports ${to}, outside src`];
    if (layerOf(from) === layerOf(to) || allowed.includes(layerOf(to))) return [];
    return [`${from} imports ${to}: ${layerOf(from)} may import ${allowed.join(", ") || "nothing of ours"}`];
  });
}

/** From outside, a layer is reached through its index.ts; its testing.ts is for tests. */
export function doorBreaches(files: readonly SourceFile[]): string[] {
  return edges(files).flatMap(({ from, to }) => {
    if (path.posix.basename(to) === "testing.ts") return [`${from} imports ${to}, which is for tests only`];
    const layer = layerOf(to);
    if (layerOf(from) === layer || layer === "gen" || layer.endsWith(".ts")) return [];
    return to === `src/${layer}/index.ts` ? [] : [`${from} imports ${to}: src/${layer}/index.ts is the only door`];
  });
}

/** The engine knows nothing of what it is used for, in its comments and its SQL neither. */
export function wordBreaches(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => layerOf(file.path) === "engine")
    .flatMap(({ path: file, text }) => (DOMAIN.exec(text) ?? []).map((word) => `${file} speaks of ${word}`));
}

/** Remote procedure calls are the business of the layers above. */
export function rpcBreaches(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => WITHOUT_RPC.has(layerOf(file.path)))
    .flatMap(({ path: from, imports }) =>
      imports.flatMap(({ specifier }) =>
        specifier.startsWith("@connectrpc/") ? [`${from} imports ${specifier}`] : [],
      ),
    );
}

/** Files that import each other at run time; type-only imports do not count. */
export function cycles(files: readonly SourceFile[]): string[] {
  const next = Map.groupBy(
    edges(files).filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const found: string[] = [];
  function visit(file: string, trail: readonly string[]): void {
    if (trail.includes(file)) found.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
    if (done.has(file) || trail.includes(file)) return;
    for (const { to } of next.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  }
  for (const file of files) visit(file.path, []);
  return found;
}

/** One idea per file, named after it. */
export function shapeBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path: file, lines }) => [
    ...(lines > MOST_LINES ? [`${file} has ${lines} lines, ${MOST_LINES} at most`] : []),
    ...(file.split("/").some((part) => EMPTY_NAMES.test(part)) ? [`${file}: a name that says nothing`] : []),
    ...(/^[a-z0-9.-]+$/.test(path.posix.basename(file)) ? [] : [`${file}: names of files are in kebab-case`]),
  ]);
}

/** Only src/bin reads the environment, handles signals and ends the process. */
export function processBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path: file, text }) => {
    const layer = layerOf(file);
    if (layer === "bin") return [];
    // These hand the environment on to the processes that they start.
    const handsOn = layer === "postgres" || file === "src/agent/kubernetes/connection/credential-plugin.ts";
    const refused = handsOn ? [PROCESS_LIFE] : [PROCESS_LIFE, PROCESS_ENVIRONMENT];
    return refused
      .flatMap((pattern) => pattern.exec(text.replace(COMMENT, ""))?.[0] ?? [])
      .map((hit) => `${file} uses ${hit}: only src/bin may`);
  });
}
