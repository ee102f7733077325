export { failureAnswer } from "./answer.ts";
export type { IngressDeps } from "./deps.ts";
export { ingressRole } from "./needed-role.ts";
export { ingressFailure } from "./failure.ts";
export { answerIngress } from "./ingress.ts";
