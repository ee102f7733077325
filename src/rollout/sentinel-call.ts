import { TerminalError } from "../engine/index.ts";
import { checkSentinelId } from "./sentinel-id.ts";

/**
 * The sentinel that a call is about: its key, which the request may repeat.
 * Throws a TerminalError of kind `invalid` where they differ or no sentinel can
 * have that id.
 */
export function sentinelIdOfCall(requested: string, key: string): string {
  checkSentinelId(key);
  if (requested !== "" && requested !== key) {
    throw new TerminalError(
      `sentinel_id is ${JSON.stringify(requested)}, but the call is for ${key}; leave it out or make them equal`,
      "invalid",
    );
  }
  return key;
}

export function unknownSentinel(sentinelId: string): TerminalError {
  return new TerminalError(`sentinel ${sentinelId} not found`, "not_found");
}
