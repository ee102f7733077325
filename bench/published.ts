import { execFile } from "node:child_process";
import { cp, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./database.ts";

const ROOT = path.dirname(import.meta.dirname);
const PUBLISHED = ["bin", "dist", "package.json"];

/** A folder in which `bin/hydra.js` is hydra as it is published, built from this checkout: what its users run. */
export async function publish(): Promise<AsyncDisposable & { readonly folder: string }> {
  await promisify(execFile)("npm", ["run", "build"], { cwd: ROOT });
  const folder = await temporaryDirectory();
  for (const name of PUBLISHED) await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  await symlink(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
