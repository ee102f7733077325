import { Code, ConnectError } from "@connectrpc/connect";
import {
  SentinelDeployStatus,
  type SentinelServiceDeployResponse,
  SentinelServiceDeployResponseSchema,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";
import { toPlainText } from "../fit-text.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

export interface SentinelsDeployOptions {
  sentinelId: string;
  /** Undefined, here and below: as it is. */
  image: string | undefined;
  replicas: number | undefined;
  /** Millicores. */
  cpu: number | undefined;
  /** MiB. */
  memory: number | undefined;
}

/** `hydra sentinels deploy`: waits for the outcome. A lost connection starts no second deploy (O1 of `operate`). */
export async function sentinelsDeploy(session: Session, options: SentinelsDeployOptions): Promise<ExitCode> {
  const { sentinelId, image = "", replicas = 0, cpu = 0, memory = 0 } = options;
  const { client, terminal, interrupted } = session;
  // No server, or no such sentinel: say so at once instead of trying for a while.
  await client.sentinels.getSentinel({ sentinelId }, { signal: interrupted });
  const request = { sentinelId, image, desiredReplicas: replicas, cpuMillicores: cpu, memoryMib: memory };
  if (terminal.live && !session.json) terminal.print(`Waiting for ${sentinelId} to converge. Ctrl-C: no longer wait.`);
  try {
    const answer = await callDurably((call) => client.sentinels.deploy(request, call), interrupted);
    return sayOutcome(session, sentinelId, answer);
  } catch (error) {
    if (!interrupted.aborted) throw explain(error, sentinelId);
    terminal.complain(`The deploy goes on in the server. Look at it: hydra sentinels get ${sentinelId}`);
    return ExitCode.INTERRUPTED;
  }
}

function sayOutcome({ terminal, json }: Session, sentinelId: string, answer: SentinelServiceDeployResponse): ExitCode {
  const ready = answer.status === SentinelDeployStatus.READY;
  if (json) terminal.print(jsonLine(SentinelServiceDeployResponseSchema, answer));
  else if (ready) terminal.print(`Sentinel ${sentinelId} is ready.`);
  else terminal.complain(`Sentinel ${sentinelId} failed: ${toPlainText(answer.reason)}`);
  return ready ? ExitCode.DONE : ExitCode.ERROR;
}

/** What every other refusal of this kind hints at is the rollout; this one is about the sentinel. */
function explain(error: unknown, sentinelId: string): unknown {
  if (!(error instanceof ConnectError) || error.code !== Code.FailedPrecondition) return error;
  const message = `${toPlainText(error.rawMessage)}. Look at it: hydra sentinels get ${sentinelId}`;
  return new CommandError(message, ExitCode.ERROR, { cause: error });
}
