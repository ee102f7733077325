export { clusterService } from "./cluster-service.ts";
