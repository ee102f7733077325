import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  GetInvocationResponseSchema,
  type Invocation,
  type JournalEntry,
  JournalEntrySchema,
} from "../../gen/hydra/v1/engine_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { ExitCode } from "../exit-codes.ts";
import { findInvocation } from "../invocations/find-invocation.ts";
import { standingInFull } from "../invocations/standing.ts";
import { jsonLine } from "../json-line.ts";
import { showFields } from "../listing/show-fields.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import { formatDuration } from "../words.ts";
import type { Session } from "../session.ts";

/** `hydra invocations get`: an invocation, then its journal. */
export async function invocationsGet(session: Session, invocationId: string): Promise<ExitCode> {
  const { terminal } = session;
  const answer = await findInvocation(session, invocationId);
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
    ["status", standingInFull(invocation)],
    ["attempts", `${invocation.attempts}`],
    ["failures in a row", invocation.failures === 0 ? "" : `${invocation.failures}`],
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
    { title: "CHILD", value: childOf, rank: 1 },
    { title: "TRIES", value: ({ tries }) => (tries === 0 ? "" : `${tries}`), align: "right", rank: 3 },
    { title: "TOOK", value: tookOf, align: "right", rank: 2 },
    { title: "RECORDED", value: ({ recordedAt }) => dateTimeOf(recordedAt), rank: 4 },
  ],
  empty: "Its journal is empty.",
};

function resultOf({ failure, value, firesAt, children, openChildren, failedChildren }: JournalEntry): string {
  if (failure !== "") return `failed: ${failure}`;
  if (firesAt !== undefined) return `until ${dateTimeOf(firesAt)}`;
  if (children === 0) return value;
  return `${openChildren} of ${children} open, ${failedChildren} failed`;
}

function childOf({ childId, children }: JournalEntry): string {
  return children > 1 ? `${childId} and ${children - 1} more` : childId;
}

/** A step: its last try. A call: from its record to the end of what was called. */
function tookOf({ duration, recordedAt, completedAt }: JournalEntry): string {
  if (duration !== undefined) return formatDuration(durationMs(duration));
  if (recordedAt === undefined || completedAt === undefined) return "";
  return formatDuration(timestampMs(completedAt) - timestampMs(recordedAt));
}

async function* onePage<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  if (rows.length > 0) yield rows;
}
