import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { cacheFolder, givenFolder } from "../../scripts/kube/assets.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

const run = promisify(execFile);

/** Beside the control plane's programs, as envtest has it, or else in PATH; undefined: there is none. */
function findKubectl(): string | undefined {
  const folders = [givenFolder() ?? cacheFolder(), ...(process.env["PATH"] ?? "").split(path.delimiter)];
  return folders.map((folder) => path.join(folder, "kubectl")).find(isExecutable);
}

/** `describe` for tests that need kubectl: left out where there is none, with a line that says so. */
export const describeKubectl = leaveOutKubectl() ? describe.skip : describe;

/** Where HYDRA_REQUIRE_KUBE is 1, as in CI, they run all the same and fail. */
function leaveOutKubectl(): boolean {
  if (findKubectl() !== undefined || process.env["HYDRA_REQUIRE_KUBE"] === "1") return false;
  console.warn("left out: tests that need kubectl, which is not in PATH");
  return true;
}

/** Runs kubectl to its end. Rejects with what it complained of. */
export async function kubectl(
  args: readonly string[],
  { kubeconfig = "/nowhere", input = "" }: { readonly kubeconfig?: string; readonly input?: string } = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  // What it learns of a cluster it would keep in the home directory.
  await using cache = await createTemporaryDirectory();
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cache.path };
  const running = run(findKubectl() ?? "kubectl", [...args], { env, maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end(input);
  return await running;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
