import { createHash } from "node:crypto";
import type { FoundDeployment } from "./found-deployments.ts";

const LONGEST = 63;
const HASH_DIGITS = 8;

/** What hydra takes as the id of a sentinel. */
export function isSentinelId(id: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(id);
}

/**
 * The id of a sentinel by where its Deployment is, the same every time:
 * `name.namespace.region`. One that would be too long, or has characters that
 * no id has, is cut to 54 characters and gets a hash of the whole.
 */
export function idByPlace({ namespace, name }: Pick<FoundDeployment, "namespace" | "name">, regionId: string): string {
  const whole = [name, namespace, regionId].join(".");
  if (isSentinelId(whole)) return whole;
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, HASH_DIGITS);
  const start = whole.replaceAll(/[^A-Za-z0-9._-]/g, "-").slice(0, LONGEST - HASH_DIGITS - 1);
  return `${start}-${hash}`;
}
