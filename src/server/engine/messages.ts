import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AnyHandler,
  Asked,
  InvocationRecord,
  InvocationStatus as EngineStatus,
  JournalRecord,
} from "../../engine/index.ts";
import {
  type DurableHandlerSchema,
  type DurableServiceSchema,
  InvocationRequest,
  type InvocationSchema,
  InvocationStatus,
  type JournalEntrySchema,
} from "../../gen/hydra/v1/engine_pb.ts";
import { HandlerKind } from "../../gen/hydra/v1/options_pb.ts";
import type { DurableService } from "../durable-method.ts";

const STATUS: Record<EngineStatus, InvocationStatus> = {
  scheduled: InvocationStatus.SCHEDULED,
  queued: InvocationStatus.QUEUED,
  ready: InvocationStatus.READY,
  running: InvocationStatus.RUNNING,
  // Which of the two it is says where its memory is, nothing that an operator could act upon.
  suspended: InvocationStatus.RUNNING,
  parked: InvocationStatus.PARKED,
  succeeded: InvocationStatus.SUCCEEDED,
  failed: InvocationStatus.FAILED,
};

const ASKED: Record<Asked, InvocationRequest> = {
  cancel: InvocationRequest.CANCEL,
  kill: InvocationRequest.KILL,
  pause: InvocationRequest.PAUSE,
};

/** Statuses of the engine that are shown as this one; none: it is no status. */
export function engineStatuses(status: InvocationStatus): EngineStatus[] {
  return (Object.keys(STATUS) as EngineStatus[]).filter((name) => STATUS[name] === status);
}

export function servicesOf(
  handlers: readonly AnyHandler[],
  durable: ReadonlyMap<string, DurableService>,
): MessageInitShape<typeof DurableServiceSchema>[] {
  const byService = Map.groupBy(handlers, (handler) => handler.service);
  return [...byService].sort(byName).map(([name, ofService]) => ({
    name,
    literalKey: durable.get(name)?.literalKey ?? "",
    handlers: ofService.map((handler) => handlerOf(handler, durable.get(name))),
  }));
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function handlerOf(
  handler: AnyHandler,
  service: DurableService | undefined,
): MessageInitShape<typeof DurableHandlerSchema> {
  const method = handler.public ? service?.handlers.get(handler.name)?.method : undefined;
  return {
    name: handler.name,
    kind: handler.kind === "exclusive" ? HandlerKind.EXCLUSIVE : HandlerKind.SHARED,
    public: handler.public,
    requestMessage: method?.input.typeName ?? "",
    responseMessage: method?.output.typeName ?? "",
  };
}

export function invocationOf(record: InvocationRecord): MessageInitShape<typeof InvocationSchema> {
  return {
    id: record.invocationId,
    service: record.service,
    key: record.key,
    handler: record.handler,
    status: STATUS[record.status],
    parentId: record.parentId ?? "",
    idempotencyKey: record.idempotencyKey ?? "",
    attempts: record.attempts,
    failure: record.failure ?? "",
    ...moment("createdAt", record.createdAt),
    ...moment("startAt", record.startAt),
    ...moment("completedAt", record.completedAt),
    input: record.input,
    output: record.output ?? "",
    asked: record.asked === undefined ? InvocationRequest.UNSPECIFIED : ASKED[record.asked],
    unserved: record.unserved,
    failures: record.failures,
    failureKind: record.failureKind ?? "",
  };
}

export function journalEntryOf(record: JournalRecord): MessageInitShape<typeof JournalEntrySchema> {
  return {
    index: record.index,
    kind: record.kind,
    name: record.name,
    completed: record.completed,
    value: record.value ?? "",
    failure: record.failure ?? "",
    childId: record.childId ?? "",
    children: record.children ?? 0,
    openChildren: record.open ?? 0,
    failedChildren: record.failed ?? 0,
    ...moment("recordedAt", record.recordedAt),
    ...moment("completedAt", record.completedAt),
    ...moment("firesAt", record.firesAt),
    ...(record.durationMs === undefined ? {} : { duration: durationFromMs(record.durationMs) }),
    tries: record.tries ?? 0,
  };
}

function moment<K extends string>(name: K, at: Date | undefined): { [P in K]?: ReturnType<typeof timestampFromDate> } {
  return at === undefined
    ? {}
    : ({ [name]: timestampFromDate(at) } as { [P in K]: ReturnType<typeof timestampFromDate> });
}
