const INVOCATION_PREFIX = "inv_1";
const ROLLOUT_PREFIX = "rol_";

/** Id of the rollout that an invocation of Rollout starts: known before anything is stored, and unique as that one is. */
export function rolloutIdFrom(invocationId: string): string {
  return ROLLOUT_PREFIX + invocationId.slice(INVOCATION_PREFIX.length);
}
