import { InvocationSchema } from "../../gen/hydra/v1/engine_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { findInvocation, unlessRefused } from "../invocations/find-invocation.ts";
import { standing } from "../invocations/standing.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

/** What is done to an invocation and may be repeated; each with the words for it. */
const DONE = {
  cancel: "was asked to end",
  kill: "was told to end at once",
  pause: "was told to pause",
  resume: "was told to go on",
  retry: "was told to try again now",
} as const;

export type InvocationAct = keyof typeof DONE;

export interface ActOptions {
  readonly act: InvocationAct;
  readonly invocationId: string;
  /** `cancel` and `kill`: also what it has called. */
  readonly withChildren?: boolean;
}

/** `hydra invocations cancel`, `kill`, `pause`, `resume` and `retry`: repeats do no harm, so a lost answer is asked for again. */
export async function actOnInvocation(session: Session, options: ActOptions): Promise<ExitCode> {
  const { act, invocationId, withChildren = false } = options;
  const { client, terminal, interrupted } = session;
  const { engine } = client;
  // No server, or no such invocation: say so at once instead of trying for a while.
  await findInvocation(session, invocationId);
  const request = act === "cancel" || act === "kill" ? { invocationId, withChildren } : { invocationId };
  await unlessRefused(() => callDurably<unknown>((call) => engine[`${act}Invocation`](request, call), interrupted));
  const { invocation } = await callDurably((call) => engine.getInvocation({ invocationId }, call), interrupted);
  if (invocation === undefined) return ExitCode.DONE;
  terminal.print(
    session.json
      ? jsonLine(InvocationSchema, invocation)
      : `Invocation ${invocationId} ${DONE[act]}; it is ${standing(invocation)} now.`,
  );
  return ExitCode.DONE;
}
