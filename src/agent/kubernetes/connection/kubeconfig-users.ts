import { CREDENTIAL_PLUGIN, type PluginCall } from "./credential-plugin.ts";
import type { Entry, Kubeconfig } from "./kubeconfig.ts";

// What kubectl understands of a user and the Kubernetes library for JavaScript does not.

interface User {
  tokenFile?: string;
  token?: string;
  "auth-provider"?: unknown;
  exec?: Omit<PluginCall, "info"> & { apiVersion?: string; provideClusterInfo?: boolean };
}

/** Completes the users of a kubeconfig in place. */
export function prepareUsers(kubeconfig: Kubeconfig): void {
  for (const entry of kubeconfig.users ?? []) {
    const user = entry["user"] as User | null | undefined;
    if (!user) continue;
    if (user.exec) callPlugin(user, user.exec, clusterOf(kubeconfig, entry.name));
    followTokenFile(user);
  }
}

/** The file is read again and again, for the token in it is renewed; it goes before a token in the kubeconfig. */
function followTokenFile(user: User): void {
  if (!user.tokenFile) return;
  user["auth-provider"] = { name: "tokenFile", config: { tokenFile: user.tokenFile } };
  delete user.token;
}

/** A credential plugin learns by an environment variable how it is asked. */
function callPlugin(user: User, exec: NonNullable<User["exec"]>, cluster: unknown): void {
  if (!exec.command) throw new Error("a user's exec has no command");
  const spec = { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) };
  const info = { apiVersion: exec.apiVersion, kind: "ExecCredential", spec };
  user["auth-provider"] = { name: CREDENTIAL_PLUGIN, config: { ...exec, info } };
  delete user.exec;
}

/** That of the chosen context, if it is this user's. */
function clusterOf(kubeconfig: Kubeconfig, user: string): unknown {
  const chosen = named(kubeconfig.contexts, kubeconfig["current-context"])?.["context"] as
    | { user?: string; cluster?: string }
    | undefined;
  return chosen?.user === user ? named(kubeconfig.clusters, chosen.cluster)?.["cluster"] : undefined;
}

function named(entries: readonly Entry[] | undefined, name: string | undefined): Entry | undefined {
  return entries?.find((entry) => entry.name === name);
}
