import { expect, test } from "vitest";
import { LogListener } from "../../../src/server/watch/log-listener.ts";
import { startProxy } from "../../engine/fixtures/proxy.ts";
import { createDatabase } from "../../support/database.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { quietLog } from "../../support/quiet-log.ts";

refuseLeaks();

test("a link that has fallen silent: whoever listens for events stops all the same", async () => {
  await using db = await createDatabase();
  await using proxy = await startProxy(db.url);
  const connected = Promise.withResolvers<void>();
  const listener = new LogListener({ databaseUrl: proxy.url, log: quietLog, onHint: () => connected.resolve() });
  listener.start();
  await connected.promise;
  proxy.freeze();
  await expect(listener.stop()).resolves.toBeUndefined();
});
