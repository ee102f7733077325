const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Turns the first signal into an abort; the second one, of whatever kind, ends
 * the process at once. A parent that started hydra with an IPC channel and is
 * gone counts as a signal, too.
 */
export function listenForSignals(onSecond: (exitCode: number) => void): AbortSignal {
  const first = new AbortController();
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (first.signal.aborted) onSecond(exitCode);
      else first.abort();
    });
  }
  process.once("disconnect", () => first.abort());
  return first.signal;
}
