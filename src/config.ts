// Settings from the environment. Pure: the composition root hands in process.env.

/** One setting, as data: documentation is made from it, too. */
export interface Setting<T = unknown> {
  /** Name of the environment variable. */
  readonly name: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
  /** As one would write it; undefined: unset by default. */
  readonly default: string | undefined;
  /** Never shown. */
  readonly secret?: true;
  /** Commands that run a server, or those that speak to one. */
  readonly readBy: "servers" | "operators";
  /** Throws an Error that says what is accepted. */
  readonly parse: (text: string) => T;
}

/** Every setting, in the order in which they are documented. */
export const settings = {
  databaseUrl: optional({
    name: "DATABASE_URL",
    meaning: "Postgres 14 or later to use. Unset: an embedded Postgres in HYDRA_DATA_DIR.",
    readBy: "servers",
    secret: true,
    parse: parsePostgresUrl,
  }),
  dataDir: required({
    name: "HYDRA_DATA_DIR",
    meaning: "Where the embedded Postgres keeps its data.",
    readBy: "servers",
    default: ".hydra",
    parse: parseText,
  }),
  databaseWaitMs: required({
    name: "HYDRA_DATABASE_WAIT",
    meaning: "How long a starting server waits for a Postgres that does not answer.",
    readBy: "servers",
    default: "60s",
    parse: parseDurationMs,
  }),
  host: required({
    name: "HYDRA_HOST",
    meaning: "Address to listen on.",
    readBy: "servers",
    default: "127.0.0.1",
    parse: parseText,
  }),
  port: required({
    name: "HYDRA_PORT",
    meaning: "Port to listen on; 0: any free one.",
    readBy: "servers",
    default: "8080",
    parse: parsePort,
  }),
  maxBodyBytes: required({
    name: "HYDRA_MAX_BODY_BYTES",
    meaning: "Largest request body that is accepted, in bytes.",
    readBy: "servers",
    default: String(4 * 1024 * 1024),
    parse: integerParser(1024, 256 * 1024 * 1024),
  }),
  corsOrigins: required({
    name: "HYDRA_CORS_ORIGINS",
    meaning: "Origins whose pages may call the API, comma-separated.",
    readBy: "servers",
    default: "",
    parse: parseList,
  }),
  deployTimeoutMs: required({
    name: "HYDRA_DEPLOY_TIMEOUT",
    meaning: "How long a sentinel may take to converge before its deploy has failed; `hydra dev`: 10s unless set.",
    readBy: "servers",
    default: "10m",
    parse: parsePositiveDurationMs,
  }),
  slackWebhookUrl: optional({
    name: "HYDRA_SLACK_WEBHOOK_URL",
    meaning: "Slack webhook for rollouts that name none.",
    readBy: "servers",
    secret: true,
    parse: parseHttpUrl,
  }),
  webhookAllowedHosts: required({
    name: "HYDRA_WEBHOOK_ALLOWED_HOSTS",
    meaning: "Hosts besides hooks.slack.com that webhooks may go to: `host[:port]`, comma-separated.",
    readBy: "servers",
    default: "",
    parse: parseList,
  }),
  secretKey: optional({
    name: "HYDRA_SECRET_KEY",
    meaning: "Webhook URLs are encrypted in the database with it; 16 characters or more.",
    readBy: "servers",
    secret: true,
    parse: parseSecretKey,
  }),
  publicUrl: optional({
    name: "HYDRA_PUBLIC_URL",
    meaning: "Where people reach this server with a browser; webhook messages link to it.",
    readBy: "servers",
    parse: parseHttpUrl,
  }),
  tracesEndpoint: optional({
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning: "OpenTelemetry collector that gets the traces of rollouts. Unset: no traces.",
    readBy: "servers",
    // A URL may have a password in it.
    secret: true,
    parse: parseHttpUrl,
  }),
  leaseMs: required({
    name: "HYDRA_LEASE",
    meaning: "A server that has not shown itself for this long is taken over by another one.",
    readBy: "servers",
    default: "5s",
    parse: parsePositiveDurationMs,
  }),
  retentionMs: required({
    name: "HYDRA_RETENTION",
    meaning: "How long completed invocations are kept.",
    readBy: "servers",
    default: "24h",
    parse: parsePositiveDurationMs,
  }),
  logLevel: required({
    name: "HYDRA_LOG_LEVEL",
    meaning: "Least level that is logged: debug, info, warn, error or silent.",
    readBy: "servers",
    default: "info",
    parse: choiceParser("debug", "info", "warn", "error", "silent"),
  }),
  url: required({
    name: "HYDRA_URL",
    meaning: "Server that the commands of an operator speak to.",
    readBy: "operators",
    default: "http://127.0.0.1:8080",
    parse: parseHttpUrl,
  }),
  token: optional({
    name: "HYDRA_TOKEN",
    meaning: "Bearer token that the commands of an operator send.",
    readBy: "operators",
    secret: true,
    parse: parseText,
  }),
};

type Settings = typeof settings;

/** Values of all settings. Durations are in milliseconds. */
export type Config = { readonly [Key in keyof Settings]: SettingValue<Settings[Key]> };

type SettingValue<S> = S extends Setting<infer T> ? (S extends { default: string } ? T : T | undefined) : never;

/** Some settings are wrong; the message lists all of them, never their secrets. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the environment has ${problems.length === 1 ? "a setting" : "settings"} that hydra cannot use:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

/**
 * Reads all settings. An empty variable counts as unset.
 *
 * @throws ConfigError with every problem at once.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const values = Object.entries(settings).map(([key, setting]) => {
    const text = env[setting.name]?.trim() || setting.default;
    try {
      return [key, text === undefined ? undefined : setting.parse(text)];
    } catch (error) {
      const shown = "secret" in setting ? "" : ` (found ${JSON.stringify(text)})`;
      problems.push(`${setting.name}: ${(error as Error).message}${shown}`);
      return [key, undefined];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.fromEntries(values) as Config;
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** The longest wait that hydra accepts: a year. */
const MAX_DURATION_MS = 365 * 24 * UNITS_MS.h;

/**
 * Reads `200ms`, `5s`, `10m`, `24h`; a bare number is milliseconds.
 *
 * @throws Error saying what is accepted.
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim());
  const durationMs = match ? Math.round(Number(match[1]) * UNITS_MS[(match[2] ?? "ms") as keyof typeof UNITS_MS]) : NaN;
  if (!(durationMs <= MAX_DURATION_MS)) {
    throw new Error("must be a duration such as 200ms, 5s, 10m or 24h, a year at most; a bare number is milliseconds");
  }
  return durationMs;
}

/**
 * Reads a duration above zero.
 *
 * @throws Error saying what is accepted.
 */
export function parsePositiveDurationMs(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === 0) throw new Error("must be a duration above 0, for example 10s");
  return durationMs;
}

/**
 * Reads a TCP port, 0 included.
 *
 * @throws Error saying what is accepted.
 */
export function parsePort(text: string): number {
  return integerParser(0, 65_535)(text);
}

function required<T>(setting: Setting<T> & { default: string }): Setting<T> & { default: string } {
  return setting;
}

function optional<T>(setting: Omit<Setting<T>, "default">): Setting<T> & { default: undefined } {
  return { ...setting, default: undefined };
}

function integerParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Error(`must be a whole number from ${min} to ${max}`);
    return value;
  };
}

function choiceParser<const Choice extends string>(...choices: Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text.toLowerCase());
    if (choice === undefined) throw new Error(`must be one of ${choices.join(", ")}`);
    return choice;
  };
}

function parseText(text: string): string {
  return text;
}

function parseList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function parseHttpUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new Error("must be a URL that starts with http:// or https://");
  return text.replace(/\/+$/, "");
}

function parsePostgresUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text)) throw new Error("must start with postgres:// or postgresql://");
  return text;
}

function parseSecretKey(text: string): string {
  if (text.length < 16) throw new Error("must have 16 characters or more");
  return text;
}
