import { HttpMethod, IsomorphicFetchHttpLibrary, type KubeConfig, RequestContext } from "@kubernetes/client-node";
import { readKubeconfig } from "../../test/kube/kubeconfig.ts";

const WRITES = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"];

/** How many writes an API server has taken since its start, but for leases, which its own programs renew. */
export async function countWrites(kubeconfig: string): Promise<number> {
  const text = await readMetrics(readKubeconfig(kubeconfig));
  let writes = 0;
  for (const [, labels = "", value] of text.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    if (WRITES.includes(labelOf(labels, "verb")) && labelOf(labels, "resource") !== "leases") writes += Number(value);
  }
  return writes;
}

function labelOf(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
}

async function readMetrics(config: KubeConfig): Promise<string> {
  const request = new RequestContext(`${config.getCurrentCluster()?.server}/metrics`, HttpMethod.GET);
  await config.applySecurityAuthentication(request);
  const answer = await new IsomorphicFetchHttpLibrary().send(request).toPromise();
  if (answer.httpStatusCode !== 200) throw new Error(`/metrics answers ${answer.httpStatusCode}`);
  return answer.body.text();
}
