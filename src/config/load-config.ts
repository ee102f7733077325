import { agentSettings } from "./agent-settings.ts";
import { operatorSettings } from "./operator-settings.ts";
import { serverSettings } from "./server-settings.ts";
import type { Setting } from "./setting.ts";

/** Every setting, in the order in which they are documented. */
export const settings = { ...serverSettings, ...agentSettings, ...operatorSettings };

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
