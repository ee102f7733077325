import { describe, expect, test } from "vitest";
import { routeOf } from "../../../src/server/ingress/route.ts";

const S = "hydra.v1.SentinelService";

describe("calls", () => {
  test.each([
    [`/${S}/snt_1/Deploy`, "call", "snt_1"],
    [`/${S}/snt_1/Deploy/`, "call", "snt_1"],
    [`/${S}/snt_1/Deploy/send`, "send", "snt_1"],
    [`/restate/call/${S}/snt_1/Deploy`, "call", "snt_1"],
    [`/restate/send/${S}/snt_1/Deploy`, "send", "snt_1"],
    [`/${S}/a%20b%2Fc+d/Deploy`, "call", "a b/c+d"],
    [`/${S}/%252F/Deploy`, "call", "%2F"],
    [`/${S}/a%zzb/Deploy`, "call", "a%zzb"],
    [`/${S}/%C3%A4/Deploy`, "call", "ä"],
    [`/${S}//Deploy`, "call", ""],
    [`/${S}/../Deploy`, "call", ".."],
    [`/${S}/a%0Ab/Deploy`, "call", "a\nb"],
  ])("%s", (path, kind, key) => {
    expect(routeOf(path)).toEqual({ kind, service: S, key, handler: "Deploy" });
  });

  test("names are not decoded", () => {
    expect(routeOf("/a%2Eb/key/Han%64ler")).toMatchObject({ service: "a%2Eb", handler: "Han%64ler" });
  });

  test("a path of a service and `send`: `send` is the handler", () => {
    expect(routeOf(`/${S}/Deploy/send`)).toEqual({ kind: "call", service: S, key: "Deploy", handler: "send" });
  });

  test("no key: told apart, for the service to be looked up", () => {
    expect(routeOf(`/${S}/Deploy`)).toEqual({ kind: "unkeyed", service: S });
    expect(routeOf(`/restate/call/${S}/Deploy`)).toEqual({ kind: "unkeyed", service: S });
  });
});

describe("invocations", () => {
  const byKey = { by: "idempotency_key", service: S, key: "a/b", handler: "Deploy", idempotencyKey: "k 1" };

  test.each([
    ["/restate/invocation/inv_1x/attach", { kind: "attach", target: { by: "id", invocationId: "inv_1x" } }],
    ["/restate/invocation/inv_1x/output", { kind: "output", target: { by: "id", invocationId: "inv_1x" } }],
    ["/restate/attach/inv_1x", { kind: "attach", target: { by: "id", invocationId: "inv_1x" } }],
    ["/restate/output/inv_1x", { kind: "output", target: { by: "id", invocationId: "inv_1x" } }],
    [`/restate/invocation/${S}/a%2Fb/Deploy/k%201/attach`, { kind: "attach", target: byKey }],
    [`/restate/invocation/${S}/a%2Fb/Deploy/k%201/output`, { kind: "output", target: byKey }],
    ["/restate/attach", { kind: "named_in_body", verb: "attach" }],
    ["/restate/output", { kind: "named_in_body", verb: "output" }],
    ["/restate/lookup", { kind: "named_in_body", verb: "lookup" }],
    ["/restate/awakeables/sign_1x/resolve", { kind: "awakeable", awakeableId: "sign_1x", verb: "resolve" }],
    ["/restate/a/sign_1x/reject", { kind: "awakeable", awakeableId: "sign_1x", verb: "reject" }],
    ["/restate/health", { kind: "health" }],
  ])("%s", (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });
});

describe("refusals", () => {
  const expected = "bad path, expected either /:service-name/:handler or /:object-name/:object-key/:handler";

  test.each([
    ["/one", 400, "bad path: /one"],
    ["/a/b/c/d/e/f/g/h", 400, "bad path: /a/b/c/d/e/f/g/h"],
    [`/${S}/k/Deploy/later`, 400, expected],
    [`/${S}/k/Deploy/send/more`, 400, expected],
    [`/restate/call/${S}/k/Deploy/send`, 400, expected],
    [`/${S}/%FF/Deploy`, 400, "bad path: %FF is not UTF-8"],
    ["/restate/nothing/here", 400, "bad path: /restate/nothing/here"],
    ["/restate/awakeables/sign_1x", 400, "bad path: /restate/awakeables/sign_1x"],
    ["/restate/awakeables/sign_1x/poke", 404, "an awakeable can be resolved or rejected, not poke"],
    ["/restate/workflow/w/k/attach", 404, "workflows are not served, only virtual objects"],
    ["/restate/scope/s/call/x/y/z", 400, "calls in a scope are not served"],
    ["*", 400, "bad path: *"],
  ])("%s: %d", (path, status, message) => {
    expect(() => routeOf(path)).toThrow(expect.objectContaining({ status, message, source: "ingress" }));
  });
});
