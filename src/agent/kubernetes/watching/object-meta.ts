import type { V1ObjectMeta } from "@kubernetes/client-node";
import type { Condition, Place } from "../objects.ts";

/** What objects of every kind have; of dates the library's types promise more than JSON has. */
export interface KubeObject {
  readonly metadata?: V1ObjectMeta;
}

export interface Identity extends Place {
  readonly uid: string;
  readonly resourceVersion: bigint;
}

export function identityOf({ metadata }: KubeObject): Identity {
  return {
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    resourceVersion: BigInt(metadata?.resourceVersion ?? 0),
  };
}

/** Uid of the `kind` that manages the object; undefined: none does. */
export function ownerOf({ metadata }: KubeObject, kind: string): string | undefined {
  return metadata?.ownerReferences?.find((owner) => owner.controller && owner.kind === kind)?.uid;
}

interface RawCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: Date | string;
}

export function conditionsOf(conditions: readonly RawCondition[] | undefined): Condition[] {
  return (conditions ?? []).map(({ type, status, reason = "", message = "", lastTransitionTime }) => ({
    type,
    status,
    reason,
    message: shortened(message),
    since: new Date(lastTransitionTime ?? 0).getTime(),
  }));
}

const LONGEST_MESSAGE = 1_000;

/** A container may leave thousands of characters as its last words. */
export function shortened(message: string | undefined): string {
  return (message ?? "").slice(0, LONGEST_MESSAGE);
}
