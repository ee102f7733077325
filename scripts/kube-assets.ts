// Prints the folder that has the programs of a Kubernetes control plane, and builds them first where nobody has: the
// tests of `npm run test:kube` run on them. Takes some minutes the first time.
import { cacheFolder, givenFolder, missingIn } from "./kube/assets.ts";
import { buildAssets } from "./kube/build-assets.ts";

try {
  console.log(providedFolder());
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function providedFolder(): string {
  const given = givenFolder();
  if (given === undefined) {
    const folder = cacheFolder();
    if (missingIn(folder).length > 0) buildAssets(folder);
    return folder;
  }
  const missing = missingIn(given);
  if (missing.length === 0) return given;
  throw new Error(
    `KUBEBUILDER_ASSETS is ${given}, which has no ${missing.join(", ")}. Unset it, and they are built with Go.`,
  );
}
