import type { Entry, Kubeconfig } from "./kubeconfig.ts";

// What kubectl understands of a user and the Kubernetes library for JavaScript does not.

interface User {
  tokenFile?: string;
  token?: string;
  "auth-provider"?: unknown;
  exec?: { apiVersion?: string; provideClusterInfo?: boolean; env?: { name: string; value: string }[] | null };
}

/** Completes the users of a kubeconfig in place. */
export function prepareUsers(kubeconfig: Kubeconfig): void {
  for (const entry of kubeconfig.users ?? []) {
    const user = entry["user"] as User | null | undefined;
    if (!user) continue;
    followTokenFile(user);
    tellPlugin(user, clusterOf(kubeconfig, entry.name));
  }
}

/** The file is read again and again, for the token in it is renewed; it goes before a token in the kubeconfig. */
function followTokenFile(user: User): void {
  if (!user.tokenFile) return;
  user["auth-provider"] = { name: "tokenFile", config: { tokenFile: user.tokenFile } };
  delete user.token;
}

/** A credential plugin learns by an environment variable how it is asked. */
function tellPlugin({ exec }: User, cluster: unknown): void {
  if (!exec) return;
  const spec = { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) };
  const info = { apiVersion: exec.apiVersion, kind: "ExecCredential", spec };
  exec.env = [...(exec.env ?? []), { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }];
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
