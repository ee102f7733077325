import { Code, ConnectError } from "@connectrpc/connect";
import { ExitCode } from "../exit-codes.ts";
import { findInvocation, unlessRefused } from "../invocations/find-invocation.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

/** `hydra invocations purge`. */
export async function invocationsPurge(session: Session, invocationId: string): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  await findInvocation(session, invocationId);
  try {
    await unlessRefused(() =>
      callDurably((call) => client.engine.purgeInvocation({ invocationId }, call), interrupted),
    );
  } catch (error) {
    // It was there a moment ago: an earlier try whose answer was lost, or somebody else, has deleted it.
    if (!(error instanceof ConnectError && error.code === Code.NotFound)) throw error;
  }
  terminal.print(session.json ? JSON.stringify({ purged: invocationId }) : `Invocation ${invocationId} is deleted.`);
  return ExitCode.DONE;
}
