/**
 * Condition: the sentinel has converged on what it should be, by what was
 * reported last. `s` names a row of sentinels.
 */
export function converged(s: string): string {
  return `(${s}.health = 'healthy' and ${s}.running_image = ${s}.image and ${s}.available_replicas >= ${s}.desired_replicas)`;
}

/** Condition: a rollout of this image has nothing to do for the sentinel. One that failed on it is tried again. */
export function onImage(s: string, image: string): string {
  return `(${s}.image = ${image} and ${s}.running_image = ${image} and ${s}.deploy_status <> 'failed')`;
}

/** Why a sentinel is left out that is not there (no row of `s`) or not running. */
export function absence(s: string): string {
  return `case when ${s}.id is null then 'the sentinel was deleted' else 'the sentinel is ' || ${s}.desired_state end`;
}

/** A list of texts for `in`. */
export function quoted(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join(", ");
}
