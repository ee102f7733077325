/** What the exit code of a command says; scripts rely on the numbers. */
export const ExitCode = {
  DONE: 0,
  ERROR: 1,
  USAGE: 2,
  PAUSED: 3,
  CANCELLED: 4,
  /** No server, or the connection was lost for good. */
  CONNECTION: 5,
  /** Ctrl-C, as shells have it. */
  INTERRUPTED: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
