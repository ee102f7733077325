import { IngressFailure } from "./failure.ts";

/** Which invocation somebody asks for. */
export type InvocationTarget =
  | { readonly by: "id"; readonly invocationId: string }
  | {
      readonly by: "idempotency_key";
      readonly service: string;
      readonly key: string;
      readonly handler: string;
      readonly idempotencyKey: string;
    };

/** What a path asks for. */
export type Route =
  | { readonly kind: "call" | "send"; readonly service: string; readonly key: string; readonly handler: string }
  | { readonly kind: "unkeyed"; readonly service: string }
  | { readonly kind: "attach" | "output"; readonly target: InvocationTarget }
  | { readonly kind: "named_in_body"; readonly verb: "attach" | "output" | "lookup" }
  | { readonly kind: "awakeable"; readonly awakeableId: string; readonly verb: "resolve" | "reject" }
  | { readonly kind: "health" };

const MIN_SEGMENTS = 2;
const MAX_SEGMENTS = 7;
/** Paths of the server's own, beside those of services. */
const OWN = "restate";

/** Reads a path, still encoded and without its query. Throws an IngressFailure where it means nothing. */
export function routeOf(path: string): Route {
  const segments = path.replace(/\/$/, "").split("/").slice(1);
  if (!path.startsWith("/") || segments.length < MIN_SEGMENTS || segments.length > MAX_SEGMENTS) {
    throw new IngressFailure(400, `bad path: ${shown(path)}`);
  }
  if (segments[0] === OWN) return ownRoute(segments.slice(1), path);
  return serviceRoute(segments);
}

/** `{service}/{key}/{handler}`, and `send` behind it. */
function serviceRoute(segments: readonly string[]): Route {
  const [service = "", key, handler, send] = segments;
  if (key === undefined || handler === undefined) return { kind: "unkeyed", service };
  if (segments.length > 4 || (send !== undefined && send !== "send")) throw badServicePath();
  return { kind: send === undefined ? "call" : "send", service, key: decoded(key), handler };
}

function ownRoute(segments: readonly string[], path: string): Route {
  const [verb = "", ...rest] = segments;
  switch (verb) {
    case "call":
    case "send":
      return namedServiceRoute(verb, rest);
    case "attach":
    case "output":
      if (rest.length === 0) return { kind: "named_in_body", verb };
      if (rest.length === 1) return { kind: verb, target: { by: "id", invocationId: rest[0] ?? "" } };
      break;
    case "lookup":
      if (rest.length === 0) return { kind: "named_in_body", verb };
      break;
    case "invocation":
      return invocationRoute(rest, path);
    case "awakeables":
    case "a":
      return awakeableRoute(rest, path);
    case "health":
      if (rest.length === 0) return { kind: "health" };
      break;
    case "scope":
      throw new IngressFailure(400, "calls in a scope are not served");
    case "workflow":
      throw new IngressFailure(404, "workflows are not served, only virtual objects");
  }
  throw badPath(path);
}

function namedServiceRoute(kind: "call" | "send", segments: readonly string[]): Route {
  const [service = "", key, handler] = segments;
  if (segments.length > 3) throw badServicePath();
  if (key === undefined || handler === undefined) return { kind: "unkeyed", service };
  return { kind, service, key: decoded(key), handler };
}

/** `{id}/{verb}` or `{service}/{key}/{handler}/{idempotencyKey}/{verb}`. */
function invocationRoute(segments: readonly string[], path: string): Route {
  const verb = segments.at(-1);
  if (verb !== "attach" && verb !== "output") throw badPath(path);
  const [first = "", key = "", handler = "", idempotencyKey = ""] = segments;
  if (segments.length === 2) return { kind: verb, target: { by: "id", invocationId: first } };
  if (segments.length === 4) return { kind: "unkeyed", service: first };
  if (segments.length !== 5) throw badPath(path);
  return {
    kind: verb,
    target: {
      by: "idempotency_key",
      service: first,
      key: decoded(key),
      handler,
      idempotencyKey: decoded(idempotencyKey),
    },
  };
}

function awakeableRoute(segments: readonly string[], path: string): Route {
  const [awakeableId = "", verb] = segments;
  if (verb === undefined || segments.length > 2) throw badPath(path);
  if (verb !== "resolve" && verb !== "reject") {
    throw new IngressFailure(404, `an awakeable can be resolved or rejected, not ${shown(verb)}`);
  }
  return { kind: "awakeable", awakeableId, verb };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Decodes percent escapes, once; a broken one stays as it is written. */
function decoded(segment: string): string {
  const bytes = Buffer.from(
    segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
  try {
    return utf8.decode(bytes);
  } catch {
    throw new IngressFailure(400, `bad path: ${shown(segment)} is not UTF-8`);
  }
}

function badPath(path: string): IngressFailure {
  return new IngressFailure(400, `bad path: ${shown(path)}`);
}

function badServicePath(): IngressFailure {
  return new IngressFailure(
    400,
    "bad path, expected either /:service-name/:handler or /:object-name/:object-key/:handler",
  );
}

function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
