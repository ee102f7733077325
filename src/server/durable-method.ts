import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  getOption,
  hasOption,
  type Message,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { handler, HandlerKind, key as keyOption, virtual_object } from "../gen/hydra/v1/options_pb.ts";

/** A handler of a virtual object, as its descriptor declares it. */
export interface DurableMethod {
  readonly service: DescService;
  readonly method: DescMethodUnary;
  readonly kind: "exclusive" | "shared";
  /** The only key there is. */
  readonly literalKey: string | undefined;
  /** The request field that has the key, where there is no literal one. */
  readonly keyField: DescField | undefined;
}

/** A virtual object as its descriptor declares it. */
export interface DurableService {
  readonly desc: DescService;
  readonly literalKey: string | undefined;
  readonly handlers: ReadonlyMap<string, DurableMethod>;
  /** The other methods, which leave no invocation behind. */
  readonly queries: ReadonlyMap<string, DescMethod>;
}

/** Longest key that the engine stores. */
const MAX_KEY_BYTES = 1024;

/** The virtual objects among some services, by name. */
export function durableServicesFrom(descs: readonly DescService[]): ReadonlyMap<string, DurableService> {
  const durable = descs.map(durableServiceFrom).filter((service) => service !== undefined);
  return new Map(durable.map((service) => [service.desc.typeName, service]));
}

/** Reads a virtual object from its descriptor. Undefined: the service is none. Throws where the options contradict. */
function durableServiceFrom(desc: DescService): DurableService | undefined {
  if (!hasOption(desc, virtual_object)) return undefined;
  const { literalKey } = getOption(desc, virtual_object);
  const handlers = new Map<string, DurableMethod>();
  const queries = new Map<string, DescMethod>();
  for (const method of desc.methods) {
    const kind = getOption(method, handler);
    if (kind === HandlerKind.EXCLUSIVE || kind === HandlerKind.SHARED) {
      handlers.set(method.name, durableMethodFrom(desc, method, kind, literalKey));
    } else {
      queries.set(method.name, method);
    }
  }
  return { desc, literalKey, handlers, queries };
}

function durableMethodFrom(
  service: DescService,
  method: DescMethod,
  kind: HandlerKind,
  literalKey: string | undefined,
): DurableMethod {
  const name = `${service.typeName}.${method.name}`;
  if (!isUnary(method)) throw new Error(`${name}: a handler of a virtual object must be unary`);
  const keyField = literalKey === undefined ? keyFieldOf(method.input) : undefined;
  if (literalKey === undefined && !keyField) throw new Error(`${name}: no field of its request is marked as key`);
  return { service, method, kind: kind === HandlerKind.EXCLUSIVE ? "exclusive" : "shared", literalKey, keyField };
}

export function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function keyFieldOf(input: DescMessage): DescField | undefined {
  return input.fields.find((field) => field.fieldKind === "scalar" && getOption(field, keyOption));
}

/** The key that a request without a path names. Throws where it is missing or cannot be one. */
export function keyOfRequest(target: DurableMethod, request: Message): string {
  if (target.literalKey !== undefined) return target.literalKey;
  const key = keyIn(target, request);
  if (key === "") throw invalid(`${target.keyField?.name} is required`);
  return checkedKey(key);
}

/**
 * Takes the key from the path and puts it into the request, which may leave it
 * out. Throws where the service has no such key or the request names another.
 */
export function placeKey(target: DurableMethod, request: Message, key: string): void {
  const { literalKey, keyField, service } = target;
  if (literalKey !== undefined && key !== literalKey) {
    throw invalid(
      `${service.typeName} has the one key ${JSON.stringify(literalKey)}, not ${JSON.stringify(shown(key))}`,
    );
  }
  if (!keyField) return;
  if (key === "") throw invalid(`the path has no key: write the ${keyField.name} between service and handler`);
  const named = keyIn(target, request);
  if (named !== "" && named !== key) {
    throw invalid(
      `${keyField.name} is ${JSON.stringify(shown(named))} in the body but ${JSON.stringify(shown(key))} in the path: leave it out of the body, or make them equal`,
    );
  }
  (request as unknown as Record<string, unknown>)[keyField.localName] = checkedKey(key);
}

function keyIn(target: DurableMethod, request: Message): string {
  return (request as unknown as Record<string, string>)[target.keyField?.localName ?? ""] ?? "";
}

/** Refuses what Postgres cannot store; what else a key must be is the handler's to say. */
function checkedKey(key: string): string {
  if (key.includes("\0") || !key.isWellFormed()) throw invalid(`the key ${JSON.stringify(shown(key))} is not text`);
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw invalid(`the key ${JSON.stringify(shown(key))} is longer than ${MAX_KEY_BYTES} bytes`);
  }
  return key;
}

function shown(key: string): string {
  return key.length > 80 ? `${key.slice(0, 80)}…` : key;
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
