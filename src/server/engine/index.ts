export { engineService } from "./engine-service.ts";
