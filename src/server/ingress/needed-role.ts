import { Role } from "../../gen/hydra/v1/options_pb.ts";
import { roleOf } from "../access/index.ts";
import type { Services } from "../services.ts";
import { IngressFailure } from "./failure.ts";
import { type Route, routeOf } from "./route.ts";

/** The role that a path of the ingress takes. What means nothing takes a viewer's: that much the answer tells. */
export function ingressRole(path: string, { durable }: Pick<Services, "durable">): Role {
  const route = routeIn(path);
  switch (route?.kind) {
    case "call":
    case "send": {
      const service = durable.get(route.service);
      const method = service?.handlers.get(route.handler)?.method ?? service?.queries.get(route.handler);
      return method ? roleOf(method) : Role.VIEWER;
    }
    case "awakeable":
      return Role.OPERATOR;
    case "health":
      return Role.UNSPECIFIED;
    default:
      return Role.VIEWER;
  }
}

function routeIn(path: string): Route | undefined {
  try {
    return routeOf(path);
  } catch (error) {
    if (error instanceof IngressFailure) return undefined;
    throw error;
  }
}
