import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually } from "../support/eventually.ts";
import { silentOn } from "../rollout/test-agent.ts";
import { NEW, World } from "../rollout/world.ts";
import { type Contents, takeContents } from "./contents.ts";
import { type Level, newestLevel } from "./levels.ts";

// What each release left in flight: a rollout in its second wave, one target ready, one being deployed, one to come; its
// server alive. One file a release, in test/fixtures/databases.

const DIRECTORY = path.join(import.meta.dirname, "../fixtures/databases");

export interface Left {
  readonly level: Level;
  readonly contents: Contents;
}

export async function releases(): Promise<string[]> {
  const files = await readdir(DIRECTORY);
  return files.filter((name) => name.endsWith(".json")).map((name) => name.replace(/\.json$/, ""));
}

export async function leftBy(release: string): Promise<Left> {
  return JSON.parse(await readFile(path.join(DIRECTORY, `${release}.json`), "utf8")) as Left;
}

export async function keepWhatIsLeft(release: string): Promise<void> {
  await using world = await World.create({ sentinels: 3, deployTimeoutMs: 3_600_000 });
  world.agent.behaviour = silentOn(NEW, "snt_02");
  await world.rollout({ wavePercentages: [30, 60, 100] });
  await world.inFlight("snt_02");
  // Nothing moves any more.
  await eventually(() => world.engine.stats().queuedOperations === 0);
  const left: Left = { level: await newestLevel(), contents: await takeContents(world.pool) };
  await writeFile(path.join(DIRECTORY, `${release}.json`), `${JSON.stringify(left, null, 1)}\n`);
}
