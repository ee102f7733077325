import { HttpMethod, IsomorphicFetchHttpLibrary, type KubeConfig, RequestContext } from "@kubernetes/client-node";
import { readKubeconfig } from "../../test/kube/kubeconfig.ts";

const WRITES = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"];
const READS = ["GET", "LIST"];

/** What an API server has done since its start, but for leases, which its own programs renew. */
export interface ApiRequests {
  readonly reads: number;
  readonly writes: number;
  /** Told to those who watch. */
  readonly events: number;
}

/** Who counts is in it: one read. */
export async function countRequests(kubeconfig: string): Promise<ApiRequests> {
  const text = await readMetrics(readKubeconfig(kubeconfig));
  const answered = [...samplesOf(text, "apiserver_request_total")].filter(
    ({ labels }) => labelOf(labels, "resource") !== "leases",
  );
  const withVerb = (verbs: readonly string[]) =>
    answered.filter(({ labels }) => verbs.includes(labelOf(labels, "verb")));
  return {
    reads: sum(withVerb(READS)),
    writes: sum(withVerb(WRITES)),
    events: sum([...samplesOf(text, "apiserver_watch_events_total")]),
  };
}

interface Sample {
  readonly labels: string;
  readonly value: number;
}

function* samplesOf(text: string, metric: string): Iterable<Sample> {
  for (const [, labels = "", value] of text.matchAll(new RegExp(`^${metric}\\{(.*)\\} (\\S+)$`, "gm"))) {
    yield { labels, value: Number(value) };
  }
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
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
