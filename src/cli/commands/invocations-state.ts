import { GetObjectStateResponseSchema } from "../../gen/hydra/v1/engine_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { showFields } from "../listing/show-fields.ts";
import type { Session } from "../session.ts";

/** `hydra invocations state`: what the handlers of a key have kept. */
export async function invocationsState(session: Session, service: string, key: string): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  const answer = await client.engine.getObjectState({ service, key }, { signal: interrupted });
  const values = Object.entries(answer.values);
  if (session.json) terminal.print(jsonLine(GetObjectStateResponseSchema, answer));
  else if (values.length > 0) showFields(terminal, values);
  else if (terminal.live) terminal.print("There is no state under this key.");
  return ExitCode.DONE;
}
