import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { kubernetesVersion, missingIn, PINS, PROGRAMS, type Program } from "./assets.ts";

const LONGEST_BUILD_MS = 60 * 60 * 1000;

/**
 * Builds the programs with Go into `folder`, which is complete as soon as it is
 * there. Two at once: the second waits and finds the work of the first.
 *
 * @throws Error that says what is missing, Go first of all.
 */
export function buildAssets(folder: string): void {
  mkdirSync(path.dirname(folder), { recursive: true });
  // A lock of the kernel, on a file that nothing is written to: it cannot outlive this process.
  using lock = new DatabaseSync(`${folder}.lock`, { timeout: LONGEST_BUILD_MS });
  lock.exec("begin exclusive");
  if (missingIn(folder).length === 0) return;
  requireGo();
  const stage = mkdtempSync(`${folder}.`);
  try {
    for (const program of Object.keys(PROGRAMS) as Program[]) build(program, stage);
    rmSync(folder, { recursive: true, force: true });
    renameSync(stage, folder);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function build(program: Program, stage: string): void {
  const { pins, package: source } = PROGRAMS[program];
  console.error(`building ${program} …`);
  const flags = ["-trimpath", "-mod=readonly", `-ldflags=-s -w ${versionStamp()}`];
  const { status } = spawnSync("go", ["build", ...flags, "-o", path.join(stage, program), source], {
    cwd: path.join(PINS, pins),
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error(`go build of ${program} failed (see above); pins: kube/${pins}/go.mod`);
}

/** Kubernetes takes no version but one that is linked in. */
function versionStamp(): string {
  const version = kubernetesVersion();
  const [major, minor] = version.split(".");
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  return Object.entries(values)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(" ");
}

/** A Go from 1.21 on fetches the one that the pins ask for by itself, unless told not to. */
function requireGo(): void {
  const [, needed = ""] = /^go (\S+)$/m.exec(readFileSync(path.join(PINS, "kubernetes/go.mod"), "utf8")) ?? [];
  const go = spawnSync("go", ["env", "GOVERSION"], { cwd: path.join(PINS, "kubernetes"), encoding: "utf8" });
  const remedy = `Install Go ${needed} or later (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder that has ${Object.keys(PROGRAMS).join(", ")}.`;
  if (go.error) throw new Error(`Go is not installed: it builds the control plane that the tests run on. ${remedy}`);
  const found = go.stdout.trim().replace(/^go/, "");
  if (go.status === 0 && isAtLeast(found, needed)) return;
  throw new Error(`Go is too old: ${found || go.stderr.trim()}. ${remedy}`);
}

function isAtLeast(found: string, needed: string): boolean {
  return found.localeCompare(needed, "en", { numeric: true }) >= 0;
}
