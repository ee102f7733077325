import { copyFile, readdir } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { engineMigrations, migrate } from "../../src/engine/index.ts";
import { rolloutMigrations } from "../../src/rollout/index.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

/** How many migrations of each schema a database has. */
export interface Level {
  readonly engine: number;
  readonly rollout: number;
}

type Migrations = typeof engineMigrations;

async function filesOf({ dir }: Migrations): Promise<string[]> {
  return (await readdir(dir)).filter((name) => name.endsWith(".sql")).toSorted();
}

/** Today's. */
export async function newestLevel(): Promise<Level> {
  return { engine: (await filesOf(engineMigrations)).length, rollout: (await filesOf(rolloutMigrations)).length };
}

/** From the first migration of each schema to the newest, one step at a time. */
export async function everyLevel(): Promise<Level[]> {
  const { engine, rollout } = await newestLevel();
  return Array.from({ length: Math.max(engine, rollout) }, (_, index) => ({
    engine: Math.min(index + 1, engine),
    rollout: Math.min(index + 1, rollout),
  }));
}

/** Brings an empty database to a level. */
export async function migrateTo(databaseUrl: string, level: Level): Promise<void> {
  await applyFirst(databaseUrl, engineMigrations, level.engine);
  await applyFirst(databaseUrl, rolloutMigrations, level.rollout);
}

async function applyFirst(databaseUrl: string, migrations: Migrations, count: number): Promise<void> {
  await using directory = await createTemporaryDirectory();
  for (const file of (await filesOf(migrations)).slice(0, count)) {
    await copyFile(new URL(file, migrations.dir), path.join(directory.path, file));
  }
  await migrate({ ...migrations, databaseUrl, dir: pathToFileURL(`${directory.path}/`) });
}
