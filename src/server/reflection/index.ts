export { registerReflection } from "./reflection-service.ts";
