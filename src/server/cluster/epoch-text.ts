// What an agent is given to keep beside its cursor: the epoch, and, where what
// it was told may be newer than the cursor, as after a full sync, by how much.

const FORM = /^([^@]*)@(\d{1,18})$/;

export interface EpochKept {
  /** Undefined: the agent has not said. */
  readonly epoch: string | undefined;
  /** What the agent has been told may be as new as this version. */
  readonly seen: bigint;
}

export function epochText(epoch: string | undefined, seen: bigint, cursor: bigint): string {
  if (epoch === undefined) return "";
  return seen > cursor ? `${epoch}@${seen}` : epoch;
}

/** What does not come from `epochText` is the name of an epoch that there is not. */
export function epochFrom(text: string | undefined, cursor: bigint): EpochKept {
  const [, epoch, seen] = FORM.exec(text ?? "") ?? [];
  if (epoch !== undefined && seen !== undefined && BigInt(seen) > cursor) return { epoch, seen: BigInt(seen) };
  return { epoch: text || undefined, seen: cursor };
}
