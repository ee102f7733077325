import {
  type DescMessage,
  type DescMethodUnary,
  fromJson,
  getOption,
  hasOption,
  type JsonValue,
  type MessageShape,
  toJsonString,
} from "@bufbuild/protobuf";
import { type Codec, defineHandler, type HandlerDefinition, type HandlerKind, TerminalError } from "../engine/index.ts";
import type { HandlerOptions } from "../engine/index.ts";
import { handler, HandlerKind as ProtoHandlerKind, virtual_object } from "../gen/hydra/v1/options_pb.ts";

type OwnOptions<I, O> = Pick<HandlerOptions<I, O>, "run" | "accept" | "abandoned">;

/**
 * Defines the handler of a method of a virtual object: its name, its kind and
 * its messages come from the proto file. Public. A service with a literal key
 * refuses every other key.
 */
export function protoHandler<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  options: OwnOptions<MessageShape<I>, MessageShape<O>>,
): HandlerDefinition<MessageShape<I>, MessageShape<O>> {
  const literalKey = literalKeyOf(method);
  return defineHandler<MessageShape<I>, MessageShape<O>>({
    service: method.parent.typeName,
    name: method.name,
    kind: kindOf(method),
    public: true,
    input: protoCodec(method.input),
    output: protoCodec(method.output),
    ...options,
    accept(input, arrival) {
      if (literalKey !== undefined && arrival.key !== literalKey) throw wrongKey(method, literalKey, arrival.key);
      return options.accept?.(input, arrival) ?? {};
    },
  });
}

/** Protobuf JSON. Unknown fields are refused, both spellings of names are taken. */
export function protoCodec<T extends DescMessage>(schema: T): Codec<MessageShape<T>> {
  return {
    encode: (message) => toJsonString(schema, message),
    decode(text) {
      try {
        return fromJson(schema, parseJson(text), { ignoreUnknownFields: false });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new TerminalError(`request could not be decoded into handler input type: proto: ${reason}`, "invalid");
      }
    },
  };
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // The parser's own message quotes the text, which may have a secret in it.
    throw new Error("syntax error: the text is not valid JSON");
  }
}

function kindOf(method: DescMethodUnary): HandlerKind {
  switch (getOption(method, handler)) {
    case ProtoHandlerKind.EXCLUSIVE:
      return "exclusive";
    case ProtoHandlerKind.SHARED:
      return "shared";
    default:
      throw new Error(`${method.parent.typeName}.${method.name} is no handler of a virtual object`);
  }
}

function literalKeyOf({ parent }: DescMethodUnary): string | undefined {
  return hasOption(parent, virtual_object) ? getOption(parent, virtual_object).literalKey : undefined;
}

function wrongKey({ parent }: DescMethodUnary, literalKey: string, key: string): TerminalError {
  return new TerminalError(
    `${parent.typeName} has one key only: use '${literalKey}' in the place of '${key}'`,
    "invalid",
  );
}
