import { expect, test } from "vitest";
import { ConfigError, loadConfig, parseDurationMs, settings } from "../src/config/index.ts";

test("an empty environment: the defaults", () => {
  expect(loadConfig({})).toMatchObject({
    databaseUrl: undefined,
    dataDir: ".hydra",
    host: "127.0.0.1",
    port: 8080,
    deployTimeoutMs: 600_000,
    webhookAllowedHosts: [],
    leaseMs: 5_000,
    url: "http://127.0.0.1:8080",
  });
});

test("a full environment: every value", () => {
  const config = loadConfig({
    DATABASE_URL: "postgres://u:p@db/hydra",
    HYDRA_PORT: "0",
    HYDRA_DEPLOY_TIMEOUT: "200ms",
    HYDRA_WEBHOOK_ALLOWED_HOSTS: "localhost:9000, hooks.example.com",
    HYDRA_LOG_LEVEL: "WARN",
    HYDRA_URL: "https://hydra.example.com/",
  });
  expect(config).toMatchObject({
    databaseUrl: "postgres://u:p@db/hydra",
    port: 0,
    deployTimeoutMs: 200,
    webhookAllowedHosts: ["localhost:9000", "hooks.example.com"],
    logLevel: "warn",
    url: "https://hydra.example.com",
  });
});

test("a variable that is set but empty: as if it were not set", () => {
  expect(loadConfig({ HYDRA_PORT: "", DATABASE_URL: " " })).toMatchObject({ port: 8080, databaseUrl: undefined });
});

test("several wrong settings: all of them are told at once, what is secret is not shown", () => {
  const env = { HYDRA_PORT: "99999", HYDRA_LEASE: "soon", DATABASE_URL: "mysql://u:hunter2@db" };
  const error = (() => {
    try {
      return loadConfig(env);
    } catch (thrown) {
      return thrown;
    }
  })() as ConfigError;
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.problems).toEqual([
    "DATABASE_URL: must start with postgres:// or postgresql://",
    'HYDRA_PORT: must be a whole number from 0 to 65535 (found "99999")',
    expect.stringMatching(/^HYDRA_LEASE: must be a duration such as .* \(found "soon"\)$/),
  ]);
  expect(error.message).not.toContain("hunter2");
});

test.each([
  ["200ms", 200],
  ["5s", 5_000],
  ["10m", 600_000],
  ["24h", 86_400_000],
  ["1500", 1_500],
  ["1.5s", 1_500],
  ["0", 0],
])("the duration %s: %i ms", (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

test.each(["", "5 minutes", "-5s", "s", "1e3", "5d", "9999999h", "NaN", "Infinity"])("%j: no duration", (text) => {
  expect(() => parseDurationMs(text)).toThrow("must be a duration such as 200ms, 5s, 10m or 24h");
});

test("every setting: a name, a meaning that is a sentence, a default that its own parser takes", () => {
  for (const setting of Object.values(settings)) {
    expect(setting.name).toMatch(/^[A-Z_]+$/);
    expect(setting.meaning).toMatch(/^[A-Z].*\.$/);
    if (setting.default !== undefined) setting.parse(setting.default);
  }
});
