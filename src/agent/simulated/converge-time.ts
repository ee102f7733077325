/** How long sentinels take to converge, in milliseconds. */
export interface ConvergeRange {
  readonly min: number;
  readonly max: number;
}

/**
 * How long one deploy takes: between min and max, the same for the same seed,
 * sentinel and deploy, whatever else happens at the time.
 */
export function convergeTimeMs(range: ConvergeRange, seed: number, sentinelId: string, deployNumber: bigint): number {
  const share = hash(`${seed} ${sentinelId} ${deployNumber}`) / 2 ** 32;
  return Math.min(range.max, range.min + Math.floor(share * (range.max - range.min + 1)));
}

/** FNV-1a, its bits mixed once more: neighbouring ids differ in their last byte only. */
function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
