import { expect, test } from "vitest";
import { refuseLeaks } from "../../../support/leaks.ts";
import { cut, hang, json, refusal, text } from "./api-server.ts";
import { connected } from "./connected.ts";

refuseLeaks();

const FINE = json(200, { fine: true });

test.each([
  ["429 with Retry-After", refusal(429, "TooManyRequests", "slow down", { "retry-after": "0" })],
  ["500", refusal(500, "InternalError", "etcd is away")],
  ["503 of a proxy", json(503, { what: "ever" })],
  ["a connection that is cut", cut],
])("%s: the request is tried again and succeeds", async (_situation, trouble) => {
  await using there = await connected(trouble, FINE);
  expect(await there.client.request("GET", "/x")).toEqual({ fine: true });
  expect(there.api.requests).toHaveLength(2);
});

test("a Retry-After beyond one's patience: the refusal is thrown at once", async () => {
  await using there = await connected(refusal(429, "TooManyRequests", "slow down", { "retry-after": "3600" }));
  await expect(there.client.request("GET", "/x")).rejects.toMatchObject({ status: 429, message: "slow down" });
  expect(there.api.requests).toHaveLength(1);
});

test("a server that never answers: the try is given up, and the next one succeeds", async () => {
  await using there = await connected(hang, FINE);
  expect(await there.connect({ tryMs: 300 }).client.request("GET", "/x")).toEqual({ fine: true });
});

test("a conflict: thrown with the API server's words, not tried again", async () => {
  await using there = await connected(refusal(409, "Conflict", "somebody else has the field"));
  await expect(there.client.request("PATCH", "/x", { body: {} })).rejects.toMatchObject({
    status: 409,
    reason: "Conflict",
    message: "somebody else has the field",
  });
  expect(there.api.requests).toHaveLength(1);
});

test("the caller's signal is aborted: the request ends with its reason", async () => {
  await using there = await connected(hang);
  const reason = new Error("enough");
  await expect(there.client.request("GET", "/x", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("429 with Retry-After 0 again and again: a wait that grows lies between the tries", async () => {
  await using there = await connected(refusal(429, "TooManyRequests", "slow down", { "retry-after": "0" }));
  await expect(there.client.request("GET", "/x", { patienceMs: 300 })).rejects.toMatchObject({ status: 429 });
  // Of 50 to 100 ms, 100 to 200, 200 to 400.
  expect(there.api.requests.length).toBeLessThanOrEqual(4);
});

test.each([
  ["seconds", "7", 7_000],
  ["a date that is over", "Thu, 01 Jan 1970 00:00:00 GMT", undefined],
  ["a date in the far future", "Fri, 01 Jan 2100 00:00:00 GMT", expect.any(Number)],
  ["no time at all", "soon", undefined],
])(
  "Retry-After is %s: the error says in how many ms, for those who try again later",
  async (_, header, retryAfterMs) => {
    await using there = await connected(refusal(429, "TooManyRequests", "slow down", { "retry-after": header }));
    await expect(there.client.request("GET", "/x", { patienceMs: 0 })).rejects.toMatchObject({ retryAfterMs });
  },
);

test("a write is cut after it has been heard: it is made again as it was, and its second outcome counts", async () => {
  await using there = await connected(cut, refusal(409, "AlreadyExists", "a is there already"));
  const body = { metadata: { name: "a" } };
  await expect(there.client.request("POST", "/x", { body })).rejects.toMatchObject({ reason: "AlreadyExists" });
  expect(there.api.bodies).toEqual([JSON.stringify(body), JSON.stringify(body)]);
});

test("an answer that breaks off in its middle: the request is tried again", async () => {
  await using there = await connected((_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write('{"fine":', () => response.destroy());
  }, FINE);
  expect(await there.client.request("GET", "/x")).toEqual({ fine: true });
});

test("what answers is no API server: a sentence without what it answered", async () => {
  await using there = await connected(text(200, "<html>topsecret</html>"));
  const error = await there.client.request("GET", "/x", { patienceMs: 0 }).catch((thrown: Error) => thrown);
  expect(String(error)).toContain(`what answers at ${there.api.url} is not to be understood, is it an API server?`);
  expect(String(error)).not.toContain("topsecret");
});

test("a refusal of endless length: what counts of it is kept", async () => {
  await using there = await connected(
    refusal(422, "Invalid", `spec is wrong ${"x".repeat(100_000)}`),
    (_, response) => {
      const more = () => void (response.destroyed || response.write("x".repeat(100_000), more));
      response.writeHead(403);
      more();
    },
  );
  const long = await there.client.request("GET", "/x").catch((thrown: Error) => thrown);
  expect((long as Error).message).toMatch(/^spec is wrong x{1,2000}…$/);
  const endless = await there.client.request("GET", "/x").catch((thrown: Error) => thrown);
  expect(endless).toMatchObject({ status: 403, message: "the API server answered with HTTP 403" });
});

test("the API server is not there: a sentence that says where it should be", async () => {
  await using there = await connected(FINE);
  await there.api[Symbol.asyncDispose]();
  const error = await there.client.request("GET", "/x", { patienceMs: 0 }).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ status: 0, reason: "Unreachable" });
  expect(String(error)).toContain(
    `the API server of the cluster at ${there.api.url} does not answer: connect ECONNREFUSED`,
  );
});
