import { InvocationSchema, InvocationStatusSchema } from "../../gen/hydra/v1/engine_pb.ts";
import { enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

export interface EndInvocationOptions {
  verb: "cancel" | "kill";
  invocationId: string;
}

/** `hydra invocations cancel` and `kill`: both do nothing to one that has ended, so a lost answer is asked for again. */
export async function endInvocation(session: Session, { verb, invocationId }: EndInvocationOptions): Promise<ExitCode> {
  const { engine } = session.client;
  const { terminal, interrupted } = session;
  // No server, or no such invocation: say so at once instead of trying for a while.
  await engine.getInvocation({ invocationId }, { signal: interrupted });
  const end = verb === "kill" ? engine.killInvocation : engine.cancelInvocation;
  await callDurably<unknown>((call) => end({ invocationId }, call), interrupted);
  const { invocation } = await callDurably((call) => engine.getInvocation({ invocationId }, call), interrupted);
  if (invocation === undefined) return ExitCode.DONE;
  if (session.json) terminal.print(jsonLine(InvocationSchema, invocation));
  else {
    const done = verb === "kill" ? "was told to end at once" : "was asked to end";
    terminal.print(
      `Invocation ${invocationId} ${done}; it is ${enumWord(InvocationStatusSchema, invocation.status)} now.`,
    );
  }
  return ExitCode.DONE;
}
