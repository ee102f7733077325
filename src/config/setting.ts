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
  /** Commands that run a server, an agent, or speak to a server. */
  readonly readBy: "servers" | "agents" | "operators";
  /** Throws an Error that says what is accepted. */
  readonly parse: (text: string) => T;
}

/** A setting that always has a value. */
export function required<T>(setting: Setting<T> & { default: string }): Setting<T> & { default: string } {
  return setting;
}

/** A setting without a default. */
export function optional<T>(setting: Omit<Setting<T>, "default">): Setting<T> & { default: undefined } {
  return { ...setting, default: undefined };
}
