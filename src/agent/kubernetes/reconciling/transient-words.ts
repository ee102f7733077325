import { KubeError } from "../kube-client.ts";

/** Why something could not be done right now, for a person who waits for it. */
export function transientWords(error: unknown): string {
  if (error instanceof KubeError && error.status === 0) {
    return `the API server of the cluster does not answer, trying again: ${error.message}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `the cluster does not take it yet, trying again: ${message}`;
}
