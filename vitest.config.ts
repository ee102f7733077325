import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const POSTGRES_TESTS = "test/**/*.pg.test.ts";
const E2E_TESTS = "test/**/*.e2e.test.ts";
const KUBE_TESTS = "test/**/*.kube.test.ts";
const LONG_TESTS = "test/**/*.long.test.ts";

// Where `.ci/run` wants the counts of the run, as JSON.
const report = process.env["HYDRA_TEST_REPORT"];

export default defineConfig({
  test: {
    // Most tests wait for Postgres or for another process: two workers pay off on two cores as well.
    maxWorkers: Math.max(2, availableParallelism()),
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [POSTGRES_TESTS, E2E_TESTS, KUBE_TESTS, LONG_TESTS],
          testTimeout: 5_000,
        },
      },
      {
        test: {
          name: "postgres",
          include: [POSTGRES_TESTS],
          globalSetup: "test/support/global-setup.ts",
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: [E2E_TESTS],
          globalSetup: "test/support/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // After the others: these look at the clock, and start processes of their own.
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "kube",
          include: [KUBE_TESTS],
          globalSetup: ["test/support/global-setup.ts", "test/kube/global-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One file at a time: they share two control planes and the machine.
          sequence: { groupOrder: 2 },
          maxWorkers: 1,
        },
      },
      {
        // `npm run test:long`; `npm test` leaves it out.
        test: {
          name: "long",
          include: [LONG_TESTS],
          globalSetup: "test/support/global-setup.ts",
          testTimeout: 600_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
          maxWorkers: 2,
        },
      },
    ],
  },
});
