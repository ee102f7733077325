import { Credentials, type CredentialsOptions } from "../../../../src/agent/kubernetes/connection/credentials.ts";
import { loadConfig } from "../../../../src/agent/kubernetes/connection/kubeconfig.ts";
import { createKubeClient } from "../../../../src/agent/kubernetes/connection/request.ts";
import type { KubeClient } from "../../../../src/agent/kubernetes/kube-client.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";
import { ApiServer } from "./api-server.ts";

export interface ConnectedOptions extends Partial<CredentialsOptions> {
  /** How long an answer may take. Default: longer than any test. */
  readonly tryMs?: number;
}

export interface Connected extends AsyncDisposable {
  readonly api: ApiServer;
  /** Where the kubeconfig is. */
  readonly directory: string;
  readonly client: KubeClient;
  readonly credentials: Credentials;
  /** Once more, with what the kubeconfig is by now. */
  connect(options?: ConnectedOptions): Pick<Connected, "client" | "credentials">;
}

/** A client of a server that gives these answers. */
export async function connected(...answers: Parameters<typeof ApiServer.start>): Promise<Connected> {
  const closing = new AsyncDisposableStack();
  const directory = closing.use(await createTemporaryDirectory());
  const api = closing.use(await ApiServer.start(...answers));
  const kubeconfigFile = await api.kubeconfig(directory.path);
  const stop = new AbortController();
  const { signal } = stop;
  closing.defer(() => stop.abort());
  const connect = ({ tryMs = 60_000, ...options }: ConnectedOptions = {}) => {
    const credentials = new Credentials({
      load: () => loadConfig({ kubeconfigFile }, { signal }),
      log: quietLog,
      ...options,
    });
    closing.defer(() => credentials.close());
    return { credentials, client: createKubeClient({ credentials, signal, tryMs }) };
  };
  return {
    api,
    directory: directory.path,
    connect,
    ...connect(),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
