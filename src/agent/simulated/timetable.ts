export interface Appointment<T> {
  readonly what: T;
  /** From now. */
  readonly delayMs: number;
}

/**
 * Calls back for each appointment once its time has come, in the order of
 * their times, then of the list, however late the timer fires: what has the
 * same delays is done in the same order every time. `onEnd` is called after the
 * last one. Returns a function that ends it before that.
 */
export function startTimetable<T>(
  appointments: readonly Appointment<T>[],
  onDue: (what: T) => void,
  onEnd: () => void,
): () => void {
  const ordered = appointments.toSorted((a, b) => a.delayMs - b.delayMs);
  const startedAt = performance.now();
  let next = 0;
  let timer: NodeJS.Timeout;
  const proceed = () => {
    const passedMs = performance.now() - startedAt;
    for (; next < ordered.length && ordered[next]!.delayMs <= passedMs; next++) onDue(ordered[next]!.what);
    if (next === ordered.length) onEnd();
    else arm(passedMs);
  };
  const arm = (passedMs: number) => {
    timer = setTimeout(proceed, ordered[next]!.delayMs - passedMs);
  };
  arm(0);
  return () => clearTimeout(timer);
}
