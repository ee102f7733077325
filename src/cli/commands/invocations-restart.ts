import { RestartInvocationResponseSchema } from "../../gen/hydra/v1/engine_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { findInvocation, unlessRefused } from "../invocations/find-invocation.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

export interface RestartOptions {
  readonly invocationId: string;
  /** First entry of the journal that is done anew. */
  readonly fromEntry: number;
  readonly purge: boolean;
}

/** `hydra invocations restart`: a lost answer is asked for again under one idempotency key. */
export async function invocationsRestart(session: Session, options: RestartOptions): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  const { invocationId } = options;
  await findInvocation(session, invocationId);
  const answer = await unlessRefused(() =>
    callDurably((call) => client.engine.restartInvocation(options, call), interrupted),
  );
  if (session.json) terminal.print(jsonLine(RestartInvocationResponseSchema, answer));
  else if (answer.invocationId === invocationId) {
    terminal.print(`Invocation ${invocationId} goes on from entry ${options.fromEntry} of its journal.`);
  } else {
    const old = options.purge ? "The old one is deleted." : "The old one is kept.";
    terminal.print(`Invocation ${invocationId} was restarted as ${answer.invocationId}. ${old}`);
  }
  return ExitCode.DONE;
}
