import { expect, test } from "vitest";
import { openConnection } from "../../../../src/agent/kubernetes/connection/connection.ts";
import { KindWatch, type KindWatchOptions } from "../../../../src/agent/kubernetes/watching/kind-watch.ts";
import type { KubeObject } from "../../../../src/agent/kubernetes/watching/object-meta.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";
import { ApiServer, cut, hang, json, refusal } from "../connection/api-server.ts";

refuseLeaks();

type Answer = Parameters<typeof ApiServer.start>[0];

test("a list has pages: all are taken before the watch from the list's own version, with the selectors (I1)", async () => {
  await using there = await following([list("7", ["a"], "next page"), list("7", ["b"]), hang], {
    labelSelector: "app=x",
    fieldSelector: "spec.y!=z",
  });
  await there.watch.listed;
  await eventually(() => expect(there.asked()).toHaveLength(3));
  expect(there.objects()).toEqual(["a", "b"]);
  const selectors = { labelSelector: "app=x", fieldSelector: "spec.y!=z" };
  expect(there.asked()).toMatchObject([
    { limit: "250", ...selectors },
    { limit: "250", continue: "next page", ...selectors },
    { watch: "true", resourceVersion: "7", allowWatchBookmarks: "true", ...selectors },
  ]);
});

test("a watch ends after a bookmark: it goes on from there, and nothing is listed (I2)", async () => {
  await using there = await following([list("7", ["a"]), told(bookmark("9")), told(added("b", "12")), hang]);
  await eventually(() => expect(there.asked()).toHaveLength(4));
  expect(there.asked().map(({ resourceVersion }) => resourceVersion)).toEqual([undefined, "7", "9", "12"]);
  expect(there.objects()).toEqual(["a", "b"]);
});

test("a watch is cut, or tells of a fault of the API server: it goes on from what was heard last", async () => {
  const fault = { type: "ERROR", object: { kind: "Status", code: 500, message: "etcd is away" } };
  await using there = await following([list("7", []), told(added("a", "8"), fault), cut, hang]);
  await eventually(() => expect(there.asked()).toHaveLength(4));
  expect(there.asked().map(({ resourceVersion }) => resourceVersion)).toEqual([undefined, "7", "8", "8"]);
  expect(there.watch.restarts).toBe(2);
});

test.each([
  ["told by the watch", told({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } })],
  ["the answer to it", refusal(410, "Expired", "too old resource version")],
  ["a version of the future", futureVersion()],
])("410 Gone, %s: all is listed anew, and what was deleted meanwhile is gone (I3, I4)", async (_, gone) => {
  await using there = await following([list("7", ["a", "b"]), gone, list("9", ["b", "c"]), hang]);
  await eventually(() => expect(there.objects()).toEqual(["b", "c"]));
  expect(
    there
      .asked()
      .slice(0, 3)
      .map(({ watch }) => watch),
  ).toEqual([undefined, "true", undefined]);
});

test("a list takes so long that its next page is gone: it begins anew", async () => {
  const gone = refusal(410, "Expired", "the provided continue parameter is too old");
  await using there = await following([list("7", ["a"], "next"), gone, list("9", ["b"]), hang]);
  await there.watch.listed;
  expect(there.objects()).toEqual(["b"]);
});

test("a watch on which nothing comes at all: it is given up, and all is listed anew (I5)", async () => {
  await using there = await following([list("9", ["a"]), silent, list("5", ["b"]), hang], { silenceMs: 100 });
  await eventually(() => expect(there.objects()).toEqual(["b"]));
});

test("a watch that falls silent later: it is given up, and goes on from what was heard last", async () => {
  const thenSilent = toldThen(() => {}, added("a", "8"));
  await using there = await following([list("7", []), thenSilent, told(added("b", "9")), hang], { silenceMs: 100 });
  await eventually(() => expect(there.objects()).toEqual(["a", "b"]));
  expect(there.asked()[2]).toMatchObject({ watch: "true", resourceVersion: "8" });
});

test("the API server ends a watch without a word, again and again: with waits that grow in between", async () => {
  const never: Answer[] = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? list("7", ["a"]) : told()));
  await using there = await following(never);
  await eventually(() => expect(there.watch.restarts).toBe(3));
  expect(there.logged.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test(
  "it may not watch: told clearly once that lasts, tried again, and once it may that is told, too (I6)",
  { timeout: 20_000 },
  async () => {
    const forbidden = refusal(403, "Forbidden", 'pods is forbidden: User "x" cannot list resource "pods"');
    const denials = Array.from({ length: 5 }, () => forbidden);
    await using there = await following([...denials, list("7", ["a"]), told(bookmark("8")), hang]);
    await eventually(() => expect(there.asked()).toHaveLength(8), { timeoutMs: 15_000 });
    const [first, lasting, over] = there.logged.filter(({ level }) => level !== "debug");
    expect(first).toMatchObject({ level: "warn" });
    expect(lasting).toMatchObject({ level: "error", path: "/things" });
    expect(lasting?.message).toContain("give it the rights of deploy/agent/rights.yaml");
    expect(String(lasting?.err)).toContain('User "x" cannot list resource "pods"');
    expect(over).toMatchObject({ level: "info", message: "the cluster is watched again" });
  },
);

test("an API server that has just started denies a little: no word of missing rights", async () => {
  const forbidden = refusal(403, "Forbidden", "pods is forbidden");
  await using there = await following([list("7", []), cut, cut, forbidden, forbidden, told(bookmark("8")), hang]);
  await eventually(() => expect(there.asked()).toHaveLength(7));
  expect(there.logged.map(({ level }) => level)).toEqual(["warn", "debug", "warn", "debug", "info"]);
});

test("429 with Retry-After on a watch: it is not asked for again before", async () => {
  const busy = refusal(429, "TooManyRequests", "slow down", { "retry-after": "1" });
  await using there = await following([list("7", []), busy, hang]);
  await eventually(() => expect(there.asked()).toHaveLength(3));
  const [, first = 0, second = 0] = there.askedAtMs;
  expect(second - first).toBeGreaterThanOrEqual(1_000);
});

test("a line comes in pieces, in the middle of a letter: it is one event", async () => {
  const line = Buffer.from(`${JSON.stringify(added("é", "8"))}\n`);
  const middle = line.indexOf("é") + 1;
  await using there = await following([
    list("7", []),
    (_request, response) => {
      response.write(line.subarray(0, middle), () => setImmediate(() => response.write(line.subarray(middle))));
    },
  ]);
  await eventually(() => expect(there.objects()).toEqual(["é"]));
});

test("what comes on a watch is no event: it is begun again", async () => {
  const nonsense: Answer = (_request, response) => void response.end("<html>topsecret</html>\n");
  await using there = await following([list("7", []), nonsense, told(added("a", "8")), hang]);
  await eventually(() => expect(there.objects()).toEqual(["a"]));
  expect(String(there.logged[0]?.err)).not.toContain("topsecret");
});

test("it is to list anew: the watch ends, and what was deleted is gone", async () => {
  await using there = await following([list("7", ["a", "b"]), silent, list("9", ["b"]), hang]);
  await eventually(() => expect(there.asked()).toHaveLength(2));
  await there.watch.relist();
  expect(there.objects()).toEqual(["b"]);
});

async function following(answers: readonly Answer[], options: Partial<KindWatchOptions<KubeObject>> = {}) {
  const closing = new AsyncDisposableStack();
  const directory = closing.use(await createTemporaryDirectory());
  const api = closing.use(await ApiServer.start(...answers));
  const askedAtMs: number[] = [];
  api.onRequest = () => askedAtMs.push(performance.now());
  const stop = new AbortController();
  const { signal } = stop;
  const connection = openConnection({
    kubeconfigFile: await api.kubeconfig(directory.path),
    log: quietLog,
    signal,
  });
  const known = new Map<string, string>();
  const logged: { level: string; message: string; err?: unknown; path?: unknown }[] = [];
  const tell = (level: string) => (fields: object, message: string) => void logged.push({ level, message, ...fields });
  const watch = new KindWatch<KubeObject>({
    connection,
    path: "/things",
    silenceMs: 60_000,
    log: { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") },
    signal,
    sink: {
      put: ({ metadata }) => known.set(metadata?.uid ?? "", metadata?.name ?? ""),
      remove: (uid) => known.delete(uid),
      keepOnly: (uids) => known.forEach((_, uid) => uids.has(uid) || known.delete(uid)),
      heard: () => {},
    },
    ...options,
  });
  const ended = watch.run();
  closing.defer(async () => {
    stop.abort();
    await ended;
    await connection.close();
  });
  return {
    watch,
    logged,
    askedAtMs,
    objects: () => [...known.values()].toSorted(),
    /** The query of each request. */
    asked: () => api.requests.map((line) => queryOf(line)),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function queryOf(request: string): Record<string, string> {
  const [, url = ""] = request.split(" ");
  return Object.fromEntries(new URL(url, "http://here").searchParams);
}

function object(name: string, resourceVersion = "1"): KubeObject {
  return { metadata: { name, uid: `uid of ${name}`, resourceVersion } };
}

function list(resourceVersion: string, names: readonly string[], next?: string): Answer {
  const items = names.map((name) => object(name));
  return json(200, { metadata: { resourceVersion, ...(next !== undefined && { continue: next }) }, items });
}

function added(name: string, resourceVersion: string): object {
  return { type: "ADDED", object: object(name, resourceVersion) };
}

function bookmark(resourceVersion: string): object {
  return { type: "BOOKMARK", object: { metadata: { resourceVersion } } };
}

/** A watch that tells these events, and ends. */
function told(...events: readonly object[]): Answer {
  return toldThen((response) => response.end(), ...events);
}

function toldThen(then: (response: Parameters<Answer>[1]) => void, ...events: readonly object[]): Answer {
  return (_request, response) => {
    response.writeHead(200);
    for (const event of events) response.write(`${JSON.stringify(event)}\n`);
    then(response);
  };
}

/** A watch that is open, and that is all. */
function silent(...[, response]: Parameters<Answer>): void {
  response.writeHead(200).flushHeaders();
}

function futureVersion(): Answer {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return json(504, { kind: "Status", reason: "Timeout", message: "Timeout: Too large", details: { causes } });
}
