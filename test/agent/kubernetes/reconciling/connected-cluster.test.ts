import { describe, expect, test } from "vitest";
import { type KubeClient, KubeError } from "../../../../src/agent/kubernetes/kube-client.ts";
import { connectedCluster } from "../../../../src/agent/kubernetes/reconciling/connected-cluster.ts";
import { eventually } from "../../../support/eventually.ts";
import { ClusterByHand } from "./cluster-by-hand.ts";
import { placeOf } from "./reconciling.ts";

const PATH = "GET /apis/apps/v1/namespaces/fleet/deployments/snt-1";

describe("is there a Deployment after all?", () => {
  test.each([
    ["there is", () => ({}), true],
    ["there is none", () => Promise.reject(new KubeError("no", 404, "NotFound")), false],
  ])("%s", async (_, answer, exists) => {
    const { cluster, asked, signal } = connect(answer);
    expect(await cluster.exists(placeOf(1), signal)).toBe(exists);
    expect(asked).toEqual([PATH]);
  });

  test("the API server cannot say: that is no answer", async () => {
    const { cluster, signal } = connect(() => Promise.reject(new KubeError("etcd is gone", 503, "ServiceUnavailable")));
    await expect(cluster.exists(placeOf(1), signal)).rejects.toThrow("etcd is gone");
  });

  test("a whole fleet has gone: the API server is asked a few at a time, and for no more once that is given up", async () => {
    const answered = Promise.withResolvers<object>();
    const { cluster, asked, abort, signal } = connect(() => answered.promise);
    const all = Array.from({ length: 100 }, (_, index) => cluster.exists(placeOf(index), signal));
    const settled = Promise.allSettled(all);
    await eventually(() => expect(asked.length).toBeGreaterThan(0));
    expect(asked.length).toBeLessThanOrEqual(5);
    abort();
    answered.resolve({});
    expect((await settled).filter(({ status }) => status === "rejected").length).toBeGreaterThanOrEqual(95);
    expect(asked.length).toBeLessThanOrEqual(5);
  });
});

/** A connection whose API server gives this answer to everything. */
function connect(answer: () => object | Promise<object>) {
  const asked: string[] = [];
  const client: KubeClient = {
    async request<T>(method: string, path: string) {
      asked.push(`${method} ${path}`);
      return (await answer()) as T;
    },
  };
  const { objects, applier } = new ClusterByHand();
  const cluster = connectedCluster(client, { objects, upToDate: () => Promise.resolve() }, applier);
  const stopping = new AbortController();
  return { cluster, asked, signal: stopping.signal, abort: () => stopping.abort() };
}
