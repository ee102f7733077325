import { type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Health } from "../../../src/gen/health/v1/health_pb.ts";
import { ClusterService, file_hydra_v1_cluster } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { file_hydra_v1_engine } from "../../../src/gen/hydra/v1/engine_pb.ts";
import { Role, role } from "../../../src/gen/hydra/v1/options_pb.ts";
import { file_hydra_v1_sentinel } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { file_hydra_v1_sentinel_rollout } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { file_hydra_v1_token } from "../../../src/gen/hydra/v1/token_pb.ts";
import { ingressRole } from "../../../src/server/ingress/needed-role.ts";
import { allows, roleOf } from "../../../src/server/access/roles.ts";
import { durableServicesFrom } from "../../../src/server/durable-method.ts";

const FILES = [
  file_hydra_v1_cluster,
  file_hydra_v1_engine,
  file_hydra_v1_sentinel,
  file_hydra_v1_sentinel_rollout,
  file_hydra_v1_token,
];
const SERVICES: readonly DescService[] = FILES.flatMap((file) => file.services);
const METHODS = SERVICES.flatMap((service) => service.methods);
const ROLES = [Role.UNSPECIFIED, Role.VIEWER, Role.OPERATOR, Role.AGENT, Role.ADMIN];

test("every method of hydra: says who may call it, and none is open", () => {
  const silent = METHODS.filter((method) => !hasOption(method, role) || getOption(method, role) === Role.UNSPECIFIED);
  expect(SERVICES).toHaveLength(5);
  expect(silent.map(({ parent, name }) => `${parent.typeName}.${name}`)).toEqual([]);
});

test("what an agent may call: the two methods by which it speaks for its region", () => {
  const callable = METHODS.filter((method) => allows(Role.AGENT, roleOf(method))).map(({ name }) => name);
  expect(callable).toEqual(["WatchDesiredState", "ReportObservedState"]);
});

test("what only an admin may call: the methods about tokens", () => {
  const others = METHODS.filter((method) => ROLES.every((had) => had === Role.ADMIN || !allows(had, roleOf(method))));
  expect(others.map(({ name }) => name)).toEqual(["CreateToken", "ListTokens", "RevokeToken"]);
});

test("what changes nothing: a viewer's; what changes something: not", () => {
  for (const method of METHODS) {
    const reads = /^(Get|List|Watch$)/.test(method.name) && method.name !== "ListTokens";
    expect([method.name, allows(Role.VIEWER, roleOf(method))]).toEqual([method.name, reads]);
  }
});

test.each([
  [Role.UNSPECIFIED, [Role.UNSPECIFIED]],
  [Role.VIEWER, [Role.UNSPECIFIED, Role.VIEWER]],
  [Role.OPERATOR, [Role.UNSPECIFIED, Role.VIEWER, Role.OPERATOR]],
  [Role.AGENT, [Role.UNSPECIFIED, Role.AGENT]],
  [Role.ADMIN, ROLES],
])("whoever has role %i: may what takes %j", (had, needed) => {
  expect(ROLES.filter((each) => allows(had, each))).toEqual(needed);
});

test("a role that this version does not know: opens nothing", () => {
  expect(ROLES.filter((needed) => allows(99 as Role, needed))).toEqual([]);
});

test("a method of nobody that is known: may not be served", () => {
  const foreign = { ...Health.method.check, parent: { ...Health, typeName: "acme.v1.Health" } };
  expect(() => roleOf(foreign as never)).toThrow("acme.v1.Health.Check");
  expect(roleOf(Health.method.check)).toBe(Role.UNSPECIFIED);
  expect(roleOf(ClusterService.method.listClusters)).toBe(Role.VIEWER);
});

test.each([
  ["/hydra.v1.SentinelRolloutService/singleton/Rollout", Role.OPERATOR],
  ["/hydra.v1.SentinelRolloutService/singleton/Cancel/send", Role.OPERATOR],
  ["/hydra.v1.SentinelRolloutService/singleton/GetRollout", Role.VIEWER],
  ["/hydra.v1.SentinelService/snt_1/Deploy", Role.OPERATOR],
  ["/hydra.v1.SentinelService/snt_1/DeleteSentinel", Role.OPERATOR],
  ["/restate/call/hydra.v1.SentinelService/snt_1/Deploy", Role.OPERATOR],
  ["/restate/send/hydra.v1.SentinelService/snt_1/Deploy", Role.OPERATOR],
  ["/restate/invocation/inv_1/attach", Role.VIEWER],
  ["/restate/output", Role.VIEWER],
  ["/restate/lookup", Role.VIEWER],
  ["/restate/awakeables/sign_1/resolve", Role.OPERATOR],
  ["/restate/a/sign_1/reject", Role.OPERATOR],
  ["/restate/health", Role.UNSPECIFIED],
  ["/hydra.v1.SentinelService/snt_1/Nothing", Role.VIEWER],
  ["/acme.Nothing/key/Call", Role.VIEWER],
  ["/", Role.VIEWER],
])("ingress, %s: takes the role %i", (path, needed) => {
  expect(ingressRole(path, { durable: durableServicesFrom(SERVICES) })).toBe(needed);
});
