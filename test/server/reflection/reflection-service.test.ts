import { create, createFileRegistry, fromBinary, getOption } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from "../../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { virtual_object } from "../../../src/gen/hydra/v1/options_pb.ts";
import { SentinelService } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { registerReflection } from "../../../src/server/reflection/index.ts";

type Question = ServerReflectionRequest["messageRequest"];

const transport = createRouterTransport((router) =>
  registerReflection(router, [SentinelRolloutService, SentinelService]),
);
const client = createClient(ServerReflection, transport);

async function ask(...questions: Question[]): Promise<ServerReflectionResponse[]> {
  const requests = questions.map((messageRequest) =>
    create(ServerReflectionRequestSchema, { host: "h", messageRequest }),
  );
  const answers: ServerReflectionResponse[] = [];
  for await (const answer of client.serverReflectionInfo(asStream(requests))) answers.push(answer);
  return answers;
}

async function* asStream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function fileNames(answer: ServerReflectionResponse | undefined): string[] {
  const response = answer?.messageResponse;
  if (response?.case !== "fileDescriptorResponse") throw new Error(`no file but ${JSON.stringify(response)}`);
  return response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

describe("v1", () => {
  test("list services: those served and reflection itself", async () => {
    const [answer] = await ask({ case: "listServices", value: "" });
    expect(answer?.messageResponse).toMatchObject({
      case: "listServicesResponse",
      value: {
        service: [
          { name: "grpc.reflection.v1.ServerReflection" },
          { name: "grpc.reflection.v1alpha.ServerReflection" },
          { name: "hydra.v1.SentinelRolloutService" },
          { name: "hydra.v1.SentinelService" },
        ],
      },
    });
  });

  test.each([
    ["a service", "hydra.v1.SentinelService"],
    ["a method", "hydra.v1.SentinelService.Deploy"],
    ["a message", "hydra.v1.SentinelServiceDeployRequest"],
    ["a field", "hydra.v1.SentinelServiceDeployRequest.image"],
    ["an enum", "hydra.v1.SentinelHealth"],
    ["an enum's value, which is its sibling", "hydra.v1.SENTINEL_HEALTH_HEALTHY"],
  ])("file containing a symbol, %s: the file first, then all it imports", async (_what, symbol) => {
    const [answer] = await ask({ case: "fileContainingSymbol", value: symbol });
    expect(fileNames(answer)).toEqual([
      "hydra/v1/sentinel.proto",
      "hydra/v1/options.proto",
      "google/protobuf/descriptor.proto",
      "google/protobuf/timestamp.proto",
    ]);
  });

  test("a nested message and a extension: found too", async () => {
    const answers = await ask(
      { case: "fileContainingSymbol", value: "hydra.v1.WatchResponse.Snapshot" },
      { case: "fileContainingSymbol", value: "hydra.v1.virtual_object" },
    );
    expect(answers.map((answer) => fileNames(answer)[0])).toEqual([
      "hydra/v1/sentinel_rollout.proto",
      "hydra/v1/options.proto",
    ]);
  });

  test("file by name, file of an extension, numbers of extensions", async () => {
    const [byName, ofExtension, numbers] = await ask(
      { case: "fileByFilename", value: "google/protobuf/descriptor.proto" },
      {
        case: "fileContainingExtension",
        value: create(ServerReflectionRequestSchema, {
          messageRequest: {
            case: "fileContainingExtension",
            value: { containingType: "google.protobuf.MethodOptions", extensionNumber: 51_002 },
          },
        }).messageRequest.value as never,
      },
      { case: "allExtensionNumbersOfType", value: "google.protobuf.ServiceOptions" },
    );
    expect(fileNames(byName)).toEqual(["google/protobuf/descriptor.proto"]);
    expect(fileNames(ofExtension)[0]).toBe("hydra/v1/options.proto");
    expect(numbers?.messageResponse).toMatchObject({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: "google.protobuf.ServiceOptions", extensionNumber: [51_001] },
    });
  });

  test.each<Question>([
    { case: "fileByFilename", value: "nope.proto" },
    { case: "fileContainingSymbol", value: "hydra.v1.Nope" },
    { case: "allExtensionNumbersOfType", value: "hydra.v1.Nope" },
  ])(
    "what is not known ($case): an error answer that echoes the question, and the stream goes on",
    async (question) => {
      const [unknown, next] = await ask(question, { case: "listServices", value: "" });
      expect(unknown).toMatchObject({
        validHost: "h",
        originalRequest: { messageRequest: question },
        messageResponse: { case: "errorResponse", value: { errorCode: Code.NotFound } },
      });
      expect(next?.messageResponse.case).toBe("listServicesResponse");
    },
  );

  test("the descriptors: make a whole registry, custom options included", async () => {
    const [answer] = await ask({ case: "fileContainingSymbol", value: "hydra.v1.SentinelRolloutService" });
    const response = answer?.messageResponse;
    if (response?.case !== "fileDescriptorResponse") throw new Error("no file");
    const file = response.value.fileDescriptorProto
      .map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
      .reverse();
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    const service = registry.getService("hydra.v1.SentinelRolloutService");
    expect(service && getOption(service, virtual_object).literalKey).toBe("singleton");
  });
});

test("v1alpha: answers alike", async () => {
  const alpha = createClient(ServerReflectionAlpha, transport);
  const cases: (string | undefined)[] = [];
  const requests = asStream([
    { messageRequest: { case: "listServices" as const, value: "" } },
    { messageRequest: { case: "fileContainingSymbol" as const, value: "hydra.v1.SentinelService" } },
    { messageRequest: { case: "fileContainingSymbol" as const, value: "nope" } },
  ]);
  for await (const answer of alpha.serverReflectionInfo(requests)) cases.push(answer.messageResponse.case);
  expect(cases).toEqual(["listServicesResponse", "fileDescriptorResponse", "errorResponse"]);
});
