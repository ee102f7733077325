import { RestartInvocationResponseSchema } from "../../gen/hydra/v1/engine_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { findInvocation, unlessRefused } from "../invocations/find-invocation.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably } from "../operate.ts";
import { invocationsPurge } from "./invocations-purge.ts";
import type { Session } from "../session.ts";

export interface RestartOptions {
  readonly invocationId: string;
  /** First entry of the journal that is done anew. */
  readonly fromEntry: number;
  /** Deletes the old one then. */
  readonly purge: boolean;
}

/** `hydra invocations restart`: a lost answer is asked for again under one idempotency key. */
export async function invocationsRestart(session: Session, options: RestartOptions): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  const { invocationId, fromEntry, purge } = options;
  await findInvocation(session, invocationId);
  const answer = await unlessRefused(() =>
    callDurably((call) => client.engine.restartInvocation({ invocationId, fromEntry }, call), interrupted),
  );
  const isNew = answer.invocationId !== invocationId;
  if (session.json) terminal.print(jsonLine(RestartInvocationResponseSchema, answer));
  else if (isNew) terminal.print(`Invocation ${invocationId} was restarted as ${answer.invocationId}.`);
  else terminal.print(`Invocation ${invocationId} goes on from entry ${fromEntry} of its journal.`);
  // By a call of its own: a restart whose answer was lost could not be asked for again where the old one is gone.
  return purge && isNew ? await invocationsPurge(session, invocationId) : ExitCode.DONE;
}
