import type { DescFile, DescService, MessageInitShape } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionResponseSchema as ServerReflectionAlphaResponseSchema,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { DescriptorIndex, encodedWithImports } from "./descriptor-index.ts";

type Question = ServerReflectionRequest["messageRequest"];
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;
type AlphaResponse = MessageInitShape<typeof ServerReflectionAlphaResponseSchema>;

/** Serves reflection, v1 and v1alpha, of some services and of itself, from their descriptors. */
export function registerReflection(router: ConnectRouter, services: readonly DescService[]): void {
  const all = [...services, ServerReflection, ServerReflectionAlpha];
  const index = new DescriptorIndex(all);
  const names = all.map((service) => service.typeName).sort();
  const answer = (question: Question) => answerOf(question, index, names);
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request.messageRequest) };
      }
    },
  });
  router.service(ServerReflectionAlpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        // The questions of both versions differ in their type names alone.
        const messageResponse = answer(request.messageRequest as Question) as AlphaResponse["messageResponse"] & {};
        yield { validHost: request.host, originalRequest: request, messageResponse };
      }
    },
  });
}

function answerOf(question: Question, index: DescriptorIndex, services: readonly string[]): Answer {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    case "fileByFilename":
      return fileAnswer(index.file(question.value), `file ${question.value}`);
    case "fileContainingSymbol":
      return fileAnswer(index.fileOfSymbol(question.value), `symbol ${question.value}`);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const file = index.fileOfExtension(containingType, extensionNumber);
      return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`);
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.extensionNumbers(question.value);
      if (!extensionNumber) return errorAnswer(Code.NotFound, `message ${question.value} is not known`);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } };
    }
    case undefined:
      return errorAnswer(Code.InvalidArgument, "the request asks for nothing that this server knows of");
  }
}

function fileAnswer(file: DescFile | undefined, what: string): Answer {
  if (!file) return errorAnswer(Code.NotFound, `${what} is not known`);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: encodedWithImports(file) } };
}

function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
