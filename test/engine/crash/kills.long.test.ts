import { describe, expect, test } from "vitest";
import { runCampaign } from "./campaign.ts";
import { createNotes } from "./support.ts";

const KILLS = 200;

describe("killed at random, again and again, alone and among peers", () => {
  test("E1. E2. E3. E4. E5. what was acknowledged is there, in order, and done once", async () => {
    await using database = await createNotes();
    // `npm run crash -- --seed N` repeats the round that failed.
    const seed = Math.floor(Math.random() * 1e9);
    const tally = await runCampaign({ databaseUrl: database.url, seed, kills: KILLS });
    expect(tally.kills).toBe(KILLS);
    expect(tally.atPoints).toBeGreaterThan(KILLS / 10);
  });
});
