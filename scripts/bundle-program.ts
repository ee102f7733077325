import path from "node:path";
import { rolldown } from "rolldown";
import { writeNotice } from "./notice.ts";

/**
 * Writes the program with all that it needs as few files into `dist/program`:
 * loading hundreds of small ones is most of the time in which a server starts.
 * What a file reads beside itself is in `dist` where it is in `src`.
 */
export async function bundleProgram(root: string): Promise<void> {
  const dir = path.join(root, "dist/program");
  await using bundle = await rolldown({
    input: path.join(root, "src/bin/hydra.ts"),
    platform: "node",
    cwd: root,
    plugins: [{ name: "own-place", transform: (code, id) => inOwnPlace(code, path.relative(root, id)) }],
  });
  const { output } = await bundle.write({
    dir,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  writeNotice(root, dir, output);
}

/** Lets a file of `src` believe that it is still where it was. */
function inOwnPlace(code: string, file: string): string | undefined {
  if (!file.startsWith(`src${path.sep}`) || !code.includes("import.meta")) return undefined;
  const other = /import\.meta\.(?!url\b)\w*/.exec(code);
  if (other) throw new Error(`${file} has ${other[0]}, which the published program has not: take import.meta.url`);
  const place = path.posix.join("..", path.relative("src", file).replaceAll(path.sep, "/"));
  return code.replaceAll("import.meta.url", `new URL(${JSON.stringify(place)}, import.meta.url).href`);
}
