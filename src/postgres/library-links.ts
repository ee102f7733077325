import { readFile, symlink } from "node:fs/promises";
import path from "node:path";

/**
 * npm packages cannot contain symbolic links, so the shared libraries come with
 * a list of the links they need. The package makes them in an install script,
 * and install scripts may be switched off: so they are made here as well.
 *
 * @returns whether all links are there now; false where the directory is read-only.
 */
export async function ensureLibraryLinks(nativeDir: string): Promise<boolean> {
  const list = await readFile(path.join(nativeDir, "pg-symlinks.json"), "utf8");
  const links = JSON.parse(list) as { source: string; target: string }[];
  const made = await Promise.all(links.map((link) => ensureLink(nativeDir, link)));
  return made.every(Boolean);
}

async function ensureLink(nativeDir: string, link: { source: string; target: string }): Promise<boolean> {
  // The list names paths as seen from the package: `native/lib/libpq.so.5.18`.
  const file = path.join(nativeDir, path.relative("native", link.target));
  const source = path.join(nativeDir, path.relative("native", link.source));
  try {
    await symlink(path.relative(path.dirname(file), source), file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST";
  }
}
