import { cacheFolder, givenFolder, missingIn } from "../../scripts/kube/assets.ts";

// Tests build nothing. Where the programs are missing those that need them are left out, with a line that says so;
// where HYDRA_REQUIRE_KUBE is 1, as in CI, they run all the same and fail.

const REMEDY = "run npm run kube:assets";

/** The folder of the control plane's programs. */
export function kubeAssets(): string {
  const folder = givenFolder() ?? cacheFolder();
  const missing = missingIn(folder);
  if (missing.length > 0) throw new Error(`${folder} has no ${missing.join(", ")}: ${REMEDY}`);
  return folder;
}

/** Whether the tests that need a control plane are left out of this run; says so. */
export function leaveOutKube(): boolean {
  const complete = missingIn(givenFolder() ?? cacheFolder()).length === 0;
  if (complete || process.env["HYDRA_REQUIRE_KUBE"] === "1") return false;
  console.warn(`left out: tests that need a Kubernetes control plane; to have them, ${REMEDY}`);
  return true;
}
