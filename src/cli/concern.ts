export interface ConcernOptions {
  /** The operation is refused unless this is the rollout concerned. Undefined: whichever is. */
  rolloutId: string | undefined;
}

/** The part of a request that names the rollout. */
export function concernOf(rolloutId: string | undefined): { rolloutId?: string } {
  return rolloutId === undefined ? {} : { rolloutId };
}
