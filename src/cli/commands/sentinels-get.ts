import {
  type Sentinel,
  SentinelDeployStatusSchema,
  SentinelDesiredStateSchema,
  SentinelHealthSchema,
  SentinelSchema,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { showFields } from "../listing/show-fields.ts";
import type { Session } from "../session.ts";

/** `hydra sentinels get`: one sentinel under the names that the columns of its table have. */
export async function sentinelsGet(session: Session, sentinelId: string): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  const { sentinel } = await client.sentinels.getSentinel({ sentinelId }, { signal: interrupted });
  if (sentinel === undefined) return ExitCode.ERROR;
  if (session.json) terminal.print(jsonLine(SentinelSchema, sentinel));
  else showFields(terminal, fieldsOf(sentinel));
  return ExitCode.DONE;
}

function fieldsOf(sentinel: Sentinel): [string, string][] {
  return SentinelSchema.fields.map((field) => [field.name, textOf(sentinel, field.localName as keyof Sentinel)]);
}

function textOf(sentinel: Sentinel, name: keyof Sentinel): string {
  switch (name) {
    case "desiredState":
      return enumWord(SentinelDesiredStateSchema, sentinel.desiredState);
    case "health":
      return enumWord(SentinelHealthSchema, sentinel.health);
    case "deployStatus":
      return enumWord(SentinelDeployStatusSchema, sentinel.deployStatus);
    case "createdAt":
    case "updatedAt":
      return dateTimeOf(sentinel[name]);
    default:
      return String(sentinel[name] ?? "");
  }
}
