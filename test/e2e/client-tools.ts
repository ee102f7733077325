import { accessSync, constants } from "node:fs";
import path from "node:path";

// Foreign programs that tests need: toolchains of clients, a pooler. Where one is missing its tests are left out, with a line that says so; where
// HYDRA_REQUIRE_CLIENTS is 1, as in CI, they run all the same and fail.

const REQUIRED = process.env["HYDRA_REQUIRE_CLIENTS"] === "1";

/** For `test.skipIf`: whether tests that need these programs are left out. */
export function leftOutWithout(...programs: string[]): boolean {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0 || REQUIRED) return false;
  console.warn(`left out: tests that need ${missing.join(" and ")}, which is not installed`);
  return true;
}

function findProgram(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
