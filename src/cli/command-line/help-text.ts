/** For commands that end with a rollout's outcome. */
export const OUTCOME_EXIT_CODES = `
Exit codes: 0 completed, 1 error or refused, 2 wrong usage, 3 paused, 4 cancelled,
            5 no server or connection lost.`;

/** Headings in the list of commands, in the order in which `hydra help` shows them. */
export const CommandGroup = {
  OPERATE: "Operate a rollout:",
  LOOK: "Look at rollouts, sentinels and the engine:",
  ADMIT: "Say who may call:",
  RUN: "Run a server or an agent:",
  OTHER: "Other:",
} as const;

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;
}
