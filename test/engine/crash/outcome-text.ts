import type { Outcome } from "../../../src/engine/index.ts";

/** An outcome as a text that can be compared, without the time of its end. */
export function textOf(outcome: Outcome | undefined): string {
  if (!outcome) return "there is no such invocation";
  return outcome.ok ? outcome.output : `${outcome.kind}: ${outcome.message}`;
}
