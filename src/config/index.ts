// Settings from the environment. Pure: the composition root hands in process.env.

export { type Config, ConfigError, loadConfig, settings } from "./load-config.ts";
export { parseDurationMs, parsePort, parsePositiveDurationMs } from "./parsers.ts";
export type { Setting } from "./setting.ts";
