import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { KubeConfig, loadYaml } from "@kubernetes/client-node";
import type { ClusterChoice } from "../agent-options.ts";
import { CredentialPlugin } from "./credential-plugin.ts";
import { prepareUsers } from "./kubeconfig-users.ts";

// Which cluster, and as whom. Several files are one, as kubectl has it: of what
// stands in two of them the first counts.

export interface LoadedConfig {
  readonly config: KubeConfig;
  /** What it was read from; empty: the credentials of the agent's own pod. */
  readonly files: readonly string[];
}

export interface Kubeconfig {
  "current-context"?: string;
  clusters?: Entry[];
  contexts?: Entry[];
  users?: Entry[];
}

export interface Entry {
  readonly name: string;
  readonly [content: string]: unknown;
}

const POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const SECTIONS = ["clusters", "contexts", "users"] as const;

export interface LoadOptions {
  /** Ends a credential plugin that is under way. */
  readonly signal?: AbortSignal;
  /** Where the files of a pod are; for tests. Default: the root directory. */
  readonly root?: string;
}

/**
 * Reads it anew, credentials included.
 *
 * @throws a sentence about what a person has to correct; it holds nothing of the files' contents.
 */
export function loadConfig(choice: ClusterChoice, { signal, root = "" }: LoadOptions = {}): LoadedConfig {
  const files = filesOf(choice);
  if (files.length > 0) return { config: fromFiles(files, choice.context, signal), files };
  if (choice.context !== undefined) throw new Error(`context ${choice.context}: there is no kubeconfig that has it`);
  if (!existsSync(root + POD_TOKEN)) {
    throw new Error(
      "no cluster to connect to: name a kubeconfig with --kubeconfig or KUBECONFIG, have one at ~/.kube/config, " +
        "or run in a pod with a service account",
    );
  }
  const config = new KubeConfig();
  config.loadFromCluster(root);
  // The library writes what is missing as `undefined`.
  const { server = "" } = config.getCurrentCluster() ?? {};
  if (!URL.canParse(server) || server.includes("undefined")) {
    throw new Error(
      "there is a service account, but KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not say where its " +
        "cluster is: a pod has them by itself, so pass them on, or name a kubeconfig with --kubeconfig",
    );
  }
  return { config, files };
}

function filesOf({ kubeconfigFile }: ClusterChoice): string[] {
  const usual = path.join(os.homedir(), ".kube", "config");
  if (kubeconfigFile === undefined) return existsSync(usual) ? [usual] : [];
  const named = kubeconfigFile.split(path.delimiter).filter((file) => file !== "");
  const present = named.filter((file) => existsSync(file));
  if (present.length === 0) throw new Error(`kubeconfig ${kubeconfigFile}: there is no such file`);
  return present;
}

function fromFiles(files: readonly string[], context: string | undefined, signal?: AbortSignal): KubeConfig {
  const merged: Kubeconfig = {};
  for (const file of files) mergeInto(merged, readFile(file));
  if (context !== undefined) merged["current-context"] = context;
  const config = new KubeConfig();
  config.addAuthenticator(new CredentialPlugin(signal));
  const named = files.join(path.delimiter);
  try {
    prepareUsers(merged);
    config.loadFromString(JSON.stringify(merged));
  } catch (error) {
    throw new Error(`kubeconfig ${named}: ${(error as Error).message}`, { cause: error });
  }
  checkContext(config, named);
  return config;
}

function readFile(file: string): Kubeconfig {
  const document = parse(file);
  if (typeof document !== "object" || document === null) throw new Error(`kubeconfig ${file}: it is not a kubeconfig`);
  for (const section of SECTIONS) {
    const entries: unknown = document[section] ?? [];
    const isFine = Array.isArray(entries) && entries.every((entry) => typeof entry === "object" && entry !== null);
    if (!isFine) throw new Error(`kubeconfig ${file}: its ${section} are no list of named entries`);
  }
  return absolute(document, path.dirname(path.resolve(file)));
}

function parse(file: string): Kubeconfig | undefined {
  try {
    return loadYaml<Kubeconfig>(readFileSync(file, "utf8"));
  } catch (error) {
    // The parser's own error quotes the lines around, and a token may stand there.
    const { reason, mark, code } = error as { reason?: string; mark?: { line: number }; code?: string };
    const where = mark === undefined ? "" : ` in line ${mark.line + 1}`;
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(`kubeconfig ${file}: it cannot be read: ${reason ?? code ?? "it is no YAML"}${where}`);
  }
}

const PATHS = new Set(["certificate-authority", "client-certificate", "client-key", "tokenFile"]);

/** Paths are relative to the file that they stand in; so is a plugin's command, unless it is a mere name. */
function absolute(document: Kubeconfig, directory: string): Kubeconfig {
  const isPath = (key: string, value: string) => PATHS.has(key) || (key === "command" && value.includes("/"));
  const text = JSON.stringify(document, (key, value: unknown) =>
    typeof value === "string" && value !== "" && isPath(key, value) ? path.resolve(directory, value) : value,
  );
  return JSON.parse(text) as Kubeconfig;
}

function mergeInto(merged: Kubeconfig, next: Kubeconfig): void {
  merged["current-context"] ||= next["current-context"] ?? "";
  for (const section of SECTIONS) {
    const known = (merged[section] ??= []);
    for (const entry of next[section] ?? []) {
      if (!known.some(({ name }) => name === entry.name)) known.push(entry);
    }
  }
}

function checkContext(config: KubeConfig, named: string): void {
  const current = config.getCurrentContext();
  const context = config.getContextObject(current);
  const contexts = config.getContexts().map(({ name }) => name);
  if (!context) {
    const wanted = current ? `there is no context ${current}` : "no context is chosen";
    throw new Error(`kubeconfig ${named}: ${wanted}; it has ${contexts.join(", ") || "none at all"}`);
  }
  const where = `kubeconfig ${named}: context ${current}`;
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`${where} names cluster ${context.cluster}, which is not there`);
  if (!config.getCurrentUser()) throw new Error(`${where} names user ${context.user ?? "(none)"}, who is not there`);
  const { protocol = "", username = "", password = "" } = URL.parse(cluster.server) ?? {};
  if (!["https:", "http:"].includes(protocol)) {
    throw new Error(`${where} has a server that is no address; it is to look like https://host:6443`);
  }
  if (username || password) {
    throw new Error(`${where} has a password in the address of its server: give its user a username and a password`);
  }
  if (protocol === "http:" && !cluster.skipTLSVerify) {
    throw new Error(`${where} is spoken to without TLS: use https, or set insecure-skip-tls-verify for its cluster`);
  }
}
