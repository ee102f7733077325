import type { Role } from "../gen/hydra/v1/options_pb.ts";
import { ingressRole } from "./ingress/index.ts";
import { PAGE_ROLES } from "./pages.ts";
import type { RpcFront } from "./rpc.ts";
import type { Services } from "./services.ts";

/** The role that a request to a path takes, whatever it asks there. */
export function neededRole(path: string, rpc: Pick<RpcFront, "roleAt">, services: Services): Role {
  return rpc.roleAt(path) ?? PAGE_ROLES.get(path) ?? ingressRole(path, services);
}
