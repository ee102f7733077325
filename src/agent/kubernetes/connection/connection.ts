import type { ClusterConnection, ConnectOptions } from "./connect.ts";
import { Credentials } from "./credentials.ts";
import { loadConfig } from "./kubeconfig.ts";
import { createKubeClient } from "./request.ts";
import { watchStream } from "./watch-stream.ts";

/** As `connectToCluster` says. */
export function openConnection({ log, signal, ...choice }: ConnectOptions): ClusterConnection {
  const closing = new AbortController();
  const closed = AbortSignal.any([signal, closing.signal]);
  const credentials = new Credentials({ load: () => loadConfig(choice, { signal: closed }), log });
  const client = createKubeClient({ credentials, signal: closed });
  return {
    server: credentials.origin,
    client,
    async clusterUid() {
      const path = "/api/v1/namespaces/kube-system";
      // Whoever asks asks again, and says so meanwhile.
      const once = { patienceMs: 0 };
      const namespace = await client.request<{ metadata: { uid: string } }>("GET", path, once);
      return namespace.metadata.uid;
    },
    async clusterVersion() {
      const { gitVersion } = await client.request<{ gitVersion: string }>("GET", "/version");
      return gitVersion;
    },
    watch: (path, options) =>
      watchStream(credentials, path, { ...options, signal: AbortSignal.any([closed, options.signal]) }),
    async close() {
      closing.abort();
      await credentials.close();
    },
  };
}
