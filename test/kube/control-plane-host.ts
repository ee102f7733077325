// A process that starts a control plane, tells its parent, and waits to be killed.

import { startControlPlane } from "./control-plane.ts";

const { kubeconfig } = await startControlPlane();
process.send?.(kubeconfig);
