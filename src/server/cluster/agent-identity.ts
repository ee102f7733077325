import { Code, ConnectError } from "@connectrpc/connect";
import type { Agent } from "../../gen/hydra/v1/cluster_pb.ts";

/** An agent that has said who it is. */
export interface AgentIdentity {
  readonly regionId: string;
  readonly clusterUid: string;
  readonly version: string;
  /** Names this run of the agent within its region; may be empty. */
  readonly instance: string;
}

const LONGEST = 253;

/** Checks what an agent says of itself. Throws INVALID_ARGUMENT. */
export function identityFrom(agent: Agent | undefined): AgentIdentity {
  const { regionId = "", clusterUid = "", version = "", instance = "" } = agent ?? {};
  checkText("agent.region_id", regionId);
  checkText("agent.cluster_uid", clusterUid);
  if (version !== "") checkText("agent.version", version);
  if (instance !== "") checkText("agent.instance", instance);
  return { regionId, clusterUid, version, instance };
}

function checkText(field: string, text: string): void {
  if (text === "") throw invalid(`${field} is required`);
  if (text.length > LONGEST) throw invalid(`${field} has ${text.length} characters, at most ${LONGEST} are accepted`);
  if (/\p{Cc}/u.test(text)) throw invalid(`${field} has control characters`);
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
