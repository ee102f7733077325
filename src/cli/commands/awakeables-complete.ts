import { ExitCode } from "../exit-codes.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";

export type AwakeableEnd = { readonly value: string } | { readonly reason: string };

/** `hydra awakeables resolve` and `reject`: the first completion counts, so a lost answer is asked for again. */
export async function completeAwakeable(session: Session, awakeableId: string, end: AwakeableEnd): Promise<ExitCode> {
  const { client, terminal, interrupted, json } = session;
  const { engine } = client;
  await callDurably<unknown>(
    (call) =>
      "value" in end
        ? engine.resolveAwakeable({ awakeableId, ...end }, call)
        : engine.rejectAwakeable({ awakeableId, ...end }, call),
    interrupted,
  );
  const done = "value" in end ? "resolved" : "rejected";
  terminal.print(
    json ? JSON.stringify({ [done]: awakeableId }) : `The awakeable is ${done}, unless it was completed before.`,
  );
  return ExitCode.DONE;
}
