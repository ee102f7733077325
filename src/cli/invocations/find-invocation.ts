import { Code, ConnectError } from "@connectrpc/connect";
import type { GetInvocationResponse } from "../../gen/hydra/v1/engine_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";
import { closestName } from "../import/closest-name.ts";
import type { Session } from "../session.ts";

/** Newest invocations among which a mistyped id is looked for. */
const LOOKED_THROUGH = 200;

/** The invocation with its journal. Where there is none, the error names the one that was meant, or where to look. */
export async function findInvocation(session: Session, invocationId: string): Promise<GetInvocationResponse> {
  const { client, interrupted } = session;
  try {
    return await client.engine.getInvocation({ invocationId }, { signal: interrupted });
  } catch (error) {
    if (!(error instanceof ConnectError) || ![Code.NotFound, Code.InvalidArgument].includes(error.code)) throw error;
    const meant = onlyOneClose(invocationId, await newestIds(session));
    const advice = meant === undefined ? "See which there are: hydra invocations list" : `Did you mean ${meant}?`;
    throw new CommandError(`${error.rawMessage}. ${advice}`, ExitCode.ERROR, { cause: error });
  }
}

/** Ids differ little: where two are close, nobody knows which was meant. */
function onlyOneClose(typed: string, ids: readonly string[]): string | undefined {
  const meant = closestName(typed, ids);
  const others = ids.filter((id) => id !== meant);
  return closestName(typed, others) === undefined ? meant : undefined;
}

/** Does something that may be refused; the words of such a refusal say what to do, and are shown as they are. */
export async function unlessRefused<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== Code.FailedPrecondition) throw error;
    throw new CommandError(error.rawMessage, ExitCode.ERROR, { cause: error });
  }
}

async function newestIds({ client, interrupted }: Session): Promise<string[]> {
  try {
    const page = await client.engine.listInvocations({ pageSize: LOOKED_THROUGH }, { signal: interrupted });
    return page.invocations.map(({ id }) => id);
  } catch {
    // The refusal matters more than a hint about it.
    return [];
  }
}
