// vitest globalSetup of the project `kube`.

import type { TestProject } from "vitest/node";
import { leaveOutKube } from "./assets.ts";
import { startLending } from "./lending.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where the run lends its control planes; empty: it has none. */
    controlPlanes: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (leaveOutKube()) {
    project.provide("controlPlanes", "");
    return async () => {};
  }
  const { url, stop } = await startLending();
  project.provide("controlPlanes", url);
  return stop;
}
