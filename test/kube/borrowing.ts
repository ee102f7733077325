import { describe, inject } from "vitest";
import type { LentControlPlane } from "./lending.ts";

/** `describe` for tests that need a control plane: left out where the run has none. */
export const describeKube = inject("controlPlanes") === "" ? describe.skip : describe;

/**
 * The control plane of the run that stands for a region. Other files use it, too:
 * work in namespaces of your own, and start one of your own to break it.
 */
export async function borrowControlPlane(region: "east" | "west"): Promise<LentControlPlane> {
  const response = await fetch(`${inject("controlPlanes")}/${region}`);
  const answer = await response.text();
  if (!response.ok) throw new Error(`no control plane for ${region}: ${answer}`);
  return JSON.parse(answer) as LentControlPlane;
}
