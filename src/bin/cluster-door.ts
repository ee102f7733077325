import type { ClusterDoor, Terminal } from "../cli/index.ts";
import type { Config } from "../config/index.ts";
import { UserError } from "./user-error.ts";

/** The way of the command line to a cluster; its code is loaded when somebody goes it. */
export function clusterDoor(config: Config, terminal: Terminal): ClusterDoor {
  return {
    defaults: { regionId: config.agentRegion, container: config.agentContainer },
    async find({ kubeconfig = config.kubeconfig, context, namespace, selector }, signal) {
      const { listDeployments } = await import("../agent/index.ts");
      const cluster = {
        ...(kubeconfig === undefined ? {} : { kubeconfigFile: kubeconfig }),
        ...(context === undefined ? {} : { context }),
      };
      try {
        return await listDeployments({ cluster, namespace, selector, log: complaining(terminal), signal });
      } catch (error) {
        // A kubeconfig, a selector or rights that a person has to put right, or a cluster that is not there.
        throw new UserError(`the cluster cannot be read: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

/** Somebody who waits for a command reads only what is wrong. */
function complaining(terminal: Terminal) {
  const complain = (_fields: object, message: string) => terminal.complain(message);
  return { debug() {}, info() {}, warn: complain, error: complain };
}
