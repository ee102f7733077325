import { createHash } from "node:crypto";
import type { TracedRollout } from "../../rollout/index.ts";
import type { SpanName } from "./span.ts";

/**
 * The trace of one rollout: its caller's, or one of its own. Ids of traces and
 * spans are derived from what they stand for, so that whoever makes a span
 * again, after a crash or on another server, makes the identical one.
 */
export interface Trace {
  /** 32 hex digits. */
  readonly id: string;
  /** The caller's span. */
  readonly parentId: string | undefined;
  /** As its header has it; empty: none. */
  readonly state: string;
  /** Its caller wants it recorded. Without a caller: yes. */
  readonly sampled: boolean;
  /** Id of one of its spans; `which` tells it from the others of that name. */
  spanId(name: SpanName, which?: string | number): string;
}

const SAMPLED = 1;

export function traceOf(rollout: Pick<TracedRollout, "id" | "startedAtUs" | "traceParent" | "traceState">): Trace {
  // Another installation has a rollout of the same id, but not of the same microsecond.
  const seed = `${rollout.id} ${rollout.startedAtUs}`;
  const [, callersId, parentId, flags] = rollout.traceParent?.split("-") ?? [];
  return {
    id: callersId ?? digest(seed, 32),
    parentId,
    state: rollout.traceState,
    sampled: flags === undefined || (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED,
    spanId: (name, which = "") => digest(`${seed} ${name} ${which}`, 16),
  };
}

function digest(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
