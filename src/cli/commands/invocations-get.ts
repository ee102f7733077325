import {
  GetInvocationResponseSchema,
  type Invocation,
  InvocationStatusSchema,
  type JournalEntry,
  JournalEntrySchema,
} from "../../gen/hydra/v1/engine_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { showFields } from "../listing/show-fields.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";

/** `hydra invocations get`: an invocation, then its journal. */
export async function invocationsGet(session: Session, invocationId: string): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  const answer = await client.engine.getInvocation({ invocationId }, { signal: interrupted });
  if (session.json) {
    terminal.print(jsonLine(GetInvocationResponseSchema, answer));
    return ExitCode.DONE;
  }
  if (answer.invocation) showFields(terminal, fieldsOf(answer.invocation));
  terminal.print("");
  await showListing(session, JOURNAL, onePage(answer.journal));
  return ExitCode.DONE;
}

function fieldsOf(invocation: Invocation): [string, string][] {
  const fields: [string, string][] = [
    ["id", invocation.id],
    ["service", invocation.service],
    ["key", invocation.key],
    ["handler", invocation.handler],
    ["status", enumWord(InvocationStatusSchema, invocation.status)],
    ["attempts", `${invocation.attempts}`],
    ["failure", invocation.failure],
    ["parent", invocation.parentId],
    ["idempotency key", invocation.idempotencyKey],
    ["created", dateTimeOf(invocation.createdAt)],
    ["starts", dateTimeOf(invocation.startAt)],
    ["completed", dateTimeOf(invocation.completedAt)],
    ["input", invocation.input],
    ["output", invocation.output],
  ];
  return fields.filter(([, value]) => value !== "");
}

const JOURNAL: Listing<typeof JournalEntrySchema> = {
  schema: JournalEntrySchema,
  columns: [
    { title: "ENTRY", value: ({ index }) => `${index}`, align: "right" },
    { title: "KIND", value: ({ kind }) => kind },
    { title: "NAME", value: ({ name }) => name, least: 10 },
    { title: "DONE", value: ({ completed }) => (completed ? "yes" : "no") },
    { title: "RESULT", value: resultOf, least: 12 },
    { title: "CHILD", value: ({ childId }) => childId, rank: 1 },
  ],
  empty: "Its journal is empty.",
};

function resultOf({ failure, value }: JournalEntry): string {
  return failure === "" ? value : `failed: ${failure}`;
}

async function* onePage<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  if (rows.length > 0) yield rows;
}
