import type { AgentLog } from "../../agent-log.ts";
import type { KubeClient } from "../kube-client.ts";
import type { Template } from "./template/template.ts";

export interface ApplierOptions {
  readonly client: KubeClient;
  /** Container of a Deployment that hydra sets the image and the resources of. */
  readonly container: string;
  /** Take over fields that somebody else has set; otherwise that is a refusal with class CONFLICT. */
  readonly force: boolean;
  /** Make a namespace that is missing; otherwise that is a refusal with class INVALID_CONFIG. */
  readonly createNamespaces: boolean;
  /** What a sentinel without a Deployment gets. */
  readonly template: Template;
  /** How long access control must have been denying before that fails deploys. Default 30,000. */
  readonly accessGraceMs?: number;
  readonly log: AgentLog;
}
