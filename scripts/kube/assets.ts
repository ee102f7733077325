// The programs of a real Kubernetes control plane, and kubectl: which they are, and where they are kept. `KUBEBUILDER_ASSETS`, the
// convention of envtest, names a folder that has them; otherwise they are built once, into a cache outside the checkout.

import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** The Go modules that pin them, a folder each. */
export const PINS = path.join(import.meta.dirname, "../../kube");

/** What each program is built of: the folder of its pins, and its package. */
export const PROGRAMS = {
  etcd: { pins: "etcd", package: "go.etcd.io/etcd/server/v3" },
  kwok: { pins: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" },
  "kube-apiserver": { pins: "kubernetes", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
  "kube-controller-manager": { pins: "kubernetes", package: "k8s.io/kubernetes/cmd/kube-controller-manager" },
  kubectl: { pins: "kubernetes", package: "k8s.io/kubernetes/cmd/kubectl" },
  "kube-scheduler": { pins: "kubernetes", package: "k8s.io/kubernetes/cmd/kube-scheduler" },
} as const;

export type Program = keyof typeof PROGRAMS;

/** Of Kubernetes, without `v`. */
export function kubernetesVersion(): string {
  const [, version] = /k8s\.io\/kubernetes v(\S+)/.exec(pinsOf("kubernetes")) ?? [];
  if (version === undefined) throw new Error("kube/kubernetes/go.mod names no version of k8s.io/kubernetes");
  return version;
}

/** Where what is built of these very pins is kept. */
export function cacheFolder(): string {
  const hash = createHash("sha256");
  for (const { pins } of Object.values(PROGRAMS)) hash.update(pinsOf(pins));
  const cache = process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache");
  return path.join(cache, "hydra-kube", `${kubernetesVersion()}-${hash.digest("hex").slice(0, 12)}`);
}

/** The folder that somebody gave, or undefined. */
export function givenFolder(): string | undefined {
  return process.env["KUBEBUILDER_ASSETS"] || undefined;
}

/** Those that are not in the folder, or cannot be run there. */
export function missingIn(folder: string): Program[] {
  return (Object.keys(PROGRAMS) as Program[]).filter((program) => !isExecutable(path.join(folder, program)));
}

function pinsOf(folder: string): string {
  return ["go.mod", "go.sum"].map((file) => readFileSync(path.join(PINS, folder, file), "utf8")).join("");
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
