import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refuseLeaks } from "../../support/leaks.ts";
import { post, ROLLOUTS, SENTINELS, serve, type Serving } from "../serving.ts";

refuseLeaks();

let serving: Serving;

beforeAll(async () => {
  serving = await serve();
});

afterAll(() => serving[Symbol.asyncDispose]());

/** Sends a Deploy that waits for its awakeable. */
async function sendWaiting(key: string): Promise<{ invocationId: string; awakeableId: string }> {
  const headers = { "idempotency-key": `key of ${key}` };
  const response = await post(`${serving.url}/${SENTINELS}/${key}/Deploy/send`, '{"image": "wait"}', headers);
  const { invocationId } = (await response.json()) as { invocationId: string };
  return { invocationId, awakeableId: await serving.awakeableOf(key) };
}

async function envelope(response: Response): Promise<[number, string | null, string, string]> {
  const { message, source } = (await response.json()) as { message: string; source: string };
  expect(response.headers.get("x-restate-error-source")).toBe(source);
  return [response.status, response.headers.get("x-restate-id"), source, message];
}

describe("attach and output", () => {
  test("while it runs: output is 470, attach waits; when it has ended both tell the result and until when", async () => {
    const { invocationId, awakeableId } = await sendWaiting("snt_wait");
    const byId = `${serving.url}/restate/invocation/${invocationId}`;
    expect(await envelope(await fetch(`${byId}/output`))).toEqual([
      470,
      null,
      "ingress",
      "the invocation exists but has not completed yet",
    ]);
    const attached = fetch(`${byId}/attach`);
    await post(`${serving.url}/restate/awakeables/${awakeableId}/resolve`, '"it is there"');
    const result = { status: "SENTINEL_DEPLOY_STATUS_READY", reason: '"it is there"' };
    const response = await attached;
    expect(response.headers.get("x-restate-id")).toBe(invocationId);
    expect(await response.json()).toEqual(result);

    const named = `${SENTINELS}/snt_wait/Deploy/${encodeURIComponent("key of snt_wait")}`;
    for (const path of [
      `invocation/${invocationId}/attach`,
      `invocation/${invocationId}/output`,
      `attach/${invocationId}`,
      `output/${invocationId}`,
      `invocation/${named}/attach`,
      `invocation/${named}/output`,
    ]) {
      const again = await fetch(`${serving.url}/restate/${path}`);
      expect([path, again.status, await again.json()]).toEqual([path, 200, result]);
      expect(again.headers.get("idempotency-expires")).toMatch(/\+00:00$/);
      expect(again.headers.get("x-restate-id")).toBe(invocationId);
    }
  });

  test("named in the body: the same, lookup too", async () => {
    const { invocationId, awakeableId } = await sendWaiting("snt_body");
    const target = {
      target: "idempotentInvocation",
      service: SENTINELS,
      key: "snt_body",
      handler: "Deploy",
      idempotencyKey: "key of snt_body",
    };
    const ask = (verb: string, body: object) => post(`${serving.url}/restate/${verb}`, JSON.stringify(body));
    expect(await (await ask("lookup", target)).json()).toEqual({ invocationId });
    expect(await (await ask("lookup", { target: "invocation", invocationId })).json()).toEqual({ invocationId });
    expect((await ask("output", target)).status).toBe(470);
    await post(`${serving.url}/restate/a/${awakeableId}/resolve`, "1");
    expect((await ask("attach", { target: "invocation", invocationId })).status).toBe(200);
    expect((await ask("output", target)).status).toBe(200);
  });

  test("a failed one: its failure", async () => {
    const sent = await post(`${serving.url}/${SENTINELS}/snt_failed/Deploy/send`, '{"image": "fail:not_found"}');
    const { invocationId } = (await sent.json()) as { invocationId: string };
    const attached = await fetch(`${serving.url}/restate/invocation/${invocationId}/attach`);
    expect(await envelope(attached)).toEqual([404, invocationId, "invocation", "failed as asked: not_found"]);
  });

  test("a killed one: 409", async () => {
    const { invocationId } = await sendWaiting("snt_killed");
    const attached = fetch(`${serving.url}/restate/invocation/${invocationId}/attach`);
    await serving.engine.kill(invocationId);
    const [status, id, source] = await envelope(await attached);
    expect([status, id, source]).toEqual([409, invocationId, "invocation"]);
  });
});

describe("unknown or malformed", () => {
  const UNKNOWN = "inv_10000zzzzzz";

  test("attach to an unknown invocation: 404 from the invocation, with its id", async () => {
    const response = await fetch(`${serving.url}/restate/invocation/${UNKNOWN}/attach`);
    expect(await envelope(response)).toEqual([404, UNKNOWN, "invocation", "not found"]);
  });

  test("output of an unknown invocation: 404 from the ingress", async () => {
    const response = await fetch(`${serving.url}/restate/invocation/${UNKNOWN}/output`);
    expect(await envelope(response)).toEqual([404, null, "ingress", "invocation not found"]);
  });

  test("an unknown idempotency key: 404 everywhere", async () => {
    const body = `{"target": "idempotentInvocation", "service": "${SENTINELS}", "key": "k", "handler": "Deploy", "idempotencyKey": "?"}`;
    for (const verb of ["lookup", "attach", "output"]) {
      expect((await post(`${serving.url}/restate/${verb}`, body)).status).toBe(404);
    }
  });

  test.each([
    ["inv_1short", "bad length"],
    ["nope", "bad format"],
    ["inv_1---------!", "base62 decode error"],
  ])("invocation id %s: 400 %s", async (id, why) => {
    for (const verb of ["attach", "output"]) {
      const response = await fetch(`${serving.url}/restate/invocation/${id}/${verb}`);
      expect(await envelope(response)).toEqual([400, null, "ingress", `bad invocation id '${id}': ${why}`]);
    }
  });

  test.each(["{bad", "[]", '{"target": "workflow", "workflowName": "w", "workflowKey": "k"}', ""])(
    "a body that names nothing (%s): 400 saying what it must be",
    async (body) => {
      const [status, , , message] = await envelope(await post(`${serving.url}/restate/lookup`, body));
      expect([status, message]).toEqual([400, expect.stringContaining("idempotentInvocation")]);
    },
  );

  test("another method: 405", async () => {
    expect((await post(`${serving.url}/restate/invocation/${UNKNOWN}/attach`, "{}")).status).toBe(405);
    expect((await fetch(`${serving.url}/restate/lookup`)).status).toBe(405);
  });
});

describe("awakeables", () => {
  test("resolved: 202 and nothing more; so is a repeat, which changes nothing", async () => {
    const { invocationId, awakeableId } = await sendWaiting("snt_awake");
    const resolve = `${serving.url}/restate/awakeables/${awakeableId}/resolve`;
    for (const value of ['{"a": 1}', '"later"']) {
      const response = await post(resolve, value, { "content-type": "text/plain" });
      expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([202, null, ""]);
    }
    const attached = await fetch(`${serving.url}/restate/attach/${invocationId}`);
    expect(await attached.json()).toMatchObject({ reason: '{"a":1}' });
  });

  test("resolved with nothing: null", async () => {
    const { invocationId, awakeableId } = await sendWaiting("snt_null");
    await post(`${serving.url}/restate/awakeables/${awakeableId}/resolve`, undefined);
    const attached = await fetch(`${serving.url}/restate/attach/${invocationId}`);
    expect(await attached.json()).toMatchObject({ reason: "null" });
  });

  test("rejected: the handler fails with the text", async () => {
    const { invocationId, awakeableId } = await sendWaiting("snt_reject");
    const response = await post(`${serving.url}/restate/awakeables/${awakeableId}/reject`, "no room");
    expect(response.status).toBe(202);
    const attached = await fetch(`${serving.url}/restate/attach/${invocationId}`);
    expect(await envelope(attached)).toEqual([500, invocationId, "invocation", "no room"]);
  });

  test("a value that is no JSON: 400, and it still waits", async () => {
    const { invocationId, awakeableId } = await sendWaiting("snt_nojson");
    expect((await post(`${serving.url}/restate/awakeables/${awakeableId}/resolve`, "no JSON")).status).toBe(400);
    expect(await serving.engine.output(invocationId)).toBe("pending");
  });

  test("an id that was never given out: 400", async () => {
    const response = await post(`${serving.url}/restate/awakeables/sign_1abc/resolve`, "1");
    expect(await envelope(response)).toEqual([400, null, "ingress", "bad awakeable id 'sign_1abc': bad format"]);
  });

  test("another method: 405", async () => {
    expect((await fetch(`${serving.url}/restate/awakeables/sign_1abc/resolve`)).status).toBe(405);
  });
});

test("/restate/health: the services", async () => {
  const { services } = (await (await fetch(`${serving.url}/restate/health`)).json()) as { services: string[] };
  expect(services.toSorted()).toEqual([ROLLOUTS, SENTINELS].toSorted());
});
