import {
  create,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type DescService,
  getOption,
  type Message,
} from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ServerReflection } from "../../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../../src/gen/health/v1/health_pb.ts";
import { file_hydra_v1_cluster } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { file_hydra_v1_engine } from "../../../src/gen/hydra/v1/engine_pb.ts";
import { Role, role as roleOption, RoleSchema } from "../../../src/gen/hydra/v1/options_pb.ts";
import { file_hydra_v1_sentinel } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { file_hydra_v1_sentinel_rollout } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { file_hydra_v1_token } from "../../../src/gen/hydra/v1/token_pb.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { serve, type Serving } from "../serving.ts";
import { createTokens } from "./token-server.ts";

// Every method that is served, called by everybody, in every protocol. What is to come of it is read from the option
// `role` of the methods, so that a new one is in here by itself.

refuseLeaks();

const HYDRA = [
  file_hydra_v1_cluster,
  file_hydra_v1_engine,
  file_hydra_v1_sentinel,
  file_hydra_v1_sentinel_rollout,
  file_hydra_v1_token,
].flatMap((file) => file.services);

/** Services that are not hydra's have no option. */
const NEEDED_OF_FOREIGN = new Map<DescService, Role>([
  [Health, Role.UNSPECIFIED],
  [ServerReflection, Role.VIEWER],
  [ServerReflectionAlpha, Role.VIEWER],
]);

const SERVICES = [...HYDRA, ...NEEDED_OF_FOREIGN.keys()];
const METHODS = SERVICES.flatMap((service) => service.methods);

type Who = "nobody" | "a stranger" | "viewer" | "operator" | "agent" | "admin";

/** Who may do what takes a role. */
const ADMITTED: Readonly<Record<Role, readonly Who[]>> = {
  [Role.UNSPECIFIED]: ["nobody", "a stranger", "viewer", "operator", "agent", "admin"],
  [Role.VIEWER]: ["viewer", "operator", "admin"],
  [Role.OPERATOR]: ["operator", "admin"],
  [Role.AGENT]: ["agent", "admin"],
  [Role.ADMIN]: ["admin"],
};

let serving: Serving;
let tokens: Record<Who, string | undefined>;

beforeAll(async () => {
  serving = await serve();
  const good = await createTokens(serving.url);
  // Another secret for an id that there is.
  const stranger = good.admin.replace(/.{8}$/, "00000000");
  tokens = { nobody: undefined, "a stranger": stranger, ...good };
});

afterAll(() => serving[Symbol.asyncDispose]());

function neededFor(method: DescMethod): Role {
  return NEEDED_OF_FOREIGN.get(method.parent) ?? getOption(method, roleOption);
}

function expected(method: DescMethod, who: Who): string {
  if (ADMITTED[neededFor(method)]?.includes(who)) return "let in";
  return tokens[who] === undefined || who === "a stranger" ? "unauthenticated" : "permission denied";
}

/** Calls a method with as little as it takes, and no further than its first answer. */
async function outcome(transport: Transport, method: DescMethod, who: Who): Promise<string> {
  const left = new AbortController();
  const token = tokens[who];
  const header = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    if (method.methodKind === "unary") {
      await transport.unary(method as DescMethodUnary, left.signal, undefined, header, messageFor(method));
    } else {
      const sent = (async function* () {
        yield messageFor(method);
      })();
      const { message } = await transport.stream(method as DescMethodStreaming, left.signal, undefined, header, sent);
      await message[Symbol.asyncIterator]().next();
    }
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code === Code.Unauthenticated) return "unauthenticated";
    if (code === Code.PermissionDenied) return "permission denied";
    // Refused for what it asks: it was let in, and reached the method. A connection that broke is no answer.
    if (code === Code.Unavailable || code === Code.Unknown) throw error;
  } finally {
    left.abort();
  }
  return "let in";
}

/** An empty message, but for the agent of the region that the agent's token is bound to. */
function messageFor({ input }: DescMethod): Message {
  const agent = { regionId: "eu-1", clusterUid: "uid", version: "1" };
  return create(input, input.fields.some(({ name }) => name === "agent") ? { agent } : {});
}

const TRANSPORTS = {
  connect: createConnectTransport,
  gRPC: createGrpcTransport,
  "gRPC-Web": createGrpcWebTransport,
};

/** Over one connection, which ends with the test. */
function transportOf(protocol: keyof typeof TRANSPORTS): Transport {
  const sessionManager = new Http2SessionManager(serving.url);
  onTestFinished(() => sessionManager.abort());
  return TRANSPORTS[protocol]({ baseUrl: serving.url, httpVersion: "2", sessionManager });
}

test("what is tested here: all services that reflection lists", async () => {
  const transport = transportOf("gRPC");
  const sent = (async function* () {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
  })();
  const headers = { authorization: `Bearer ${tokens.viewer}` };
  const answers = createClient(ServerReflection, transport).serverReflectionInfo(sent, { headers });
  for await (const { messageResponse } of answers) {
    if (messageResponse.case !== "listServicesResponse") throw new Error(`answered with ${messageResponse.case}`);
    const listed = messageResponse.value.service.map(({ name }) => name);
    expect(listed.toSorted()).toEqual(SERVICES.map(({ typeName }) => typeName).toSorted());
  }
});

test.each(["connect", "gRPC", "gRPC-Web"] as const)("every method over %s: as its role says", async (protocol) => {
  const transport = transportOf(protocol);
  const told: Record<string, string> = {};
  const wanted: Record<string, string> = {};
  for (const method of METHODS) {
    for (const who of Object.keys(tokens) as Who[]) {
      const call = `${method.parent.name}.${method.name} (takes ${RoleSchema.value[neededFor(method)]?.localName}) by ${who}`;
      told[call] = await outcome(transport, method, who);
      wanted[call] = expected(method, who);
    }
  }
  expect(told).toEqual(wanted);
  expect(Object.values(wanted)).toContain("permission denied");
});
