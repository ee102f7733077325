import { expect, test } from "vitest";
import { WriterConnection } from "../../../src/engine/store/connection.ts";
import { createDatabase } from "../../support/database.ts";

test("E1. a writer on a URL with options of its own: durable and planned by index all the same", async () => {
  await using db = await createDatabase();
  const url = new URL(db.url);
  url.searchParams.set("options", "-c synchronous_commit=off -c enable_seqscan=on");
  const writer = await WriterConnection.open(url.href, () => {});
  try {
    const shown = await writer.query<{ commit: string; seqscan: string; isolation: string }>(
      `select current_setting('synchronous_commit') as commit, current_setting('enable_seqscan') as seqscan,
              current_setting('transaction_isolation') as isolation`,
    );
    expect(shown).toEqual([{ commit: "on", seqscan: "off", isolation: "read committed" }]);
  } finally {
    await writer.close();
  }
});
