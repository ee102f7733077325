const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Somebody wants the command to end: a signal has come, or whoever started it has gone. */
class Interruption extends Error {
  override name = "Interruption";
  /** As shells have it: 128 and the number of the signal. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

/**
 * Turns the first signal into an abort, with an Interruption as its reason; the
 * second one, of whatever kind, ends the process at once. A parent that started
 * hydra with an IPC channel and is gone counts as a signal, too.
 */
export function listenForSignals(onSecond: (exitCode: number) => void): AbortSignal {
  const first = new AbortController();
  for (const [signal, exitCode] of Object.entries(EXIT_CODES)) {
    process.on(signal, () => {
      if (first.signal.aborted) onSecond(exitCode);
      else first.abort(new Interruption(exitCode));
    });
  }
  process.once("disconnect", () => first.abort(new Interruption(EXIT_CODES.SIGINT)));
  return first.signal;
}

/** The exit code of a command, which does not know by what it was interrupted. */
export function withSignal(exitCode: number, interrupted: AbortSignal): number {
  const { reason } = interrupted as { reason: unknown };
  return exitCode === EXIT_CODES.SIGINT && reason instanceof Interruption ? reason.exitCode : exitCode;
}
