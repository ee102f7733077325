// vitest globalSetup of the projects whose tests need Postgres. Each of them
// calls it, and all share one server: the first starts it, the last stops it.

import type { TestProject } from "vitest/node";
import { startTestServer, type TestServer } from "./test-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Of the run's Postgres, as a user that may create databases. */
    adminUrl: string;
    /** The database with all migrations that `createDatabase` clones. */
    templateDatabase: string;
  }
}

interface SharedServer {
  server: Promise<TestServer>;
  users: number;
}

// Every project loads its own copy of this module; the process is what they share.
const shared = globalThis as typeof globalThis & { hydraTestServer?: SharedServer | undefined };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const entry = (shared.hydraTestServer ??= { server: startTestServer(), users: 0 });
  entry.users += 1;
  const { adminUrl, template, stop } = await entry.server;
  project.provide("adminUrl", adminUrl);
  project.provide("templateDatabase", template);
  return async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    shared.hydraTestServer = undefined;
    await stop();
  };
}
