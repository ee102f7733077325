import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { Pool } from "pg";
import type {
  AnyHandler,
  Engine,
  InvocationRecord,
  InvocationStatus as EngineStatus,
  JournalRecord,
} from "../engine/index.ts";
import {
  type DurableHandlerSchema,
  type DurableServiceSchema,
  type EngineService,
  type InvocationSchema,
  InvocationStatus,
  type JournalEntrySchema,
} from "../gen/hydra/v1/engine_pb.ts";
import { HandlerKind } from "../gen/hydra/v1/options_pb.ts";
import type { DurableService } from "./durable-method.ts";
import { isJson } from "./json-text.ts";

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1_000;
const MAX_JOURNAL = 1_000;
const ROLLOUT_SERVICE = "hydra.v1.SentinelRolloutService";

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

export interface EngineServiceDeps {
  engine: Engine;
  pool: Pool;
  /** The virtual objects served, by name. */
  durable: ReadonlyMap<string, DurableService>;
}

/** What an operator does with the engine itself. */
export function engineService({ engine, pool, durable }: EngineServiceDeps): ServiceImpl<typeof EngineService> {
  return {
    listServices: () => ({ services: servicesOf(engine.handlers(), durable) }),
    async listInvocations(request) {
      const limit = pageSize(request.pageSize);
      const invocations = await engine.listInvocations({
        limit: limit + 1,
        ...given("service", request.service),
        ...given("key", request.key),
        ...given("handler", request.handler),
        ...given("before", request.pageToken),
        ...(request.statuses.length > 0 ? { statuses: request.statuses.flatMap(engineStatuses) } : {}),
      });
      const page = invocations.slice(0, limit);
      const next = invocations.length > limit ? page.at(-1)?.invocationId : undefined;
      return { invocations: page.map(invocationOf), nextPageToken: next ?? "" };
    },
    async getInvocation({ invocationId }) {
      const found = await engine.getInvocation(invocationId);
      if (!found) throw unknownInvocation(invocationId);
      return {
        invocation: invocationOf(found.invocation),
        journal: found.journal.slice(0, MAX_JOURNAL).map(journalEntryOf),
      };
    },
    async cancelInvocation({ invocationId }) {
      if (!(await engine.cancel(invocationId))) throw unknownInvocation(invocationId);
      return {};
    },
    async killInvocation({ invocationId }) {
      if (!(await engine.kill(invocationId))) throw unknownInvocation(invocationId);
      return {};
    },
    async getObjectState({ service, key }) {
      const values = Object.fromEntries(await engine.getState(service, key));
      const rollout = service === ROLLOUT_SERVICE ? await rolloutState(pool, durable.get(service), key) : undefined;
      return { values: rollout === undefined ? values : { ...values, rollout } };
    },
    async resolveAwakeable({ awakeableId, value }) {
      if (value !== "" && !isJson(value)) throw invalid("value is not JSON");
      await engine.resolveAwakeable(awakeableId, value || "null");
      return {};
    },
    async rejectAwakeable({ awakeableId, reason }) {
      await engine.rejectAwakeable(awakeableId, reason || "rejected");
      return {};
    },
  };
}

/** The rollout's state is a view over its tables; operators look for it among the object's values all the same. */
async function rolloutState(pool: Pool, service: DurableService | undefined, key: string): Promise<string | undefined> {
  if (key !== service?.literalKey) return undefined;
  const { rows } = await pool.query<{ document: string }>("select document::text as document from rollout_state");
  return rows[0]?.document;
}

function servicesOf(
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

function invocationOf(record: InvocationRecord): MessageInitShape<typeof InvocationSchema> {
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
    createdAt: timestampFromDate(record.createdAt),
    ...(record.startAt && { startAt: timestampFromDate(record.startAt) }),
    ...(record.completedAt && { completedAt: timestampFromDate(record.completedAt) }),
    input: record.input,
    output: record.output ?? "",
  };
}

function journalEntryOf(record: JournalRecord): MessageInitShape<typeof JournalEntrySchema> {
  return {
    index: record.index,
    kind: record.kind,
    name: record.name,
    completed: record.completed,
    value: record.value ?? "",
    failure: record.failure ?? "",
    childId: record.childId ?? "",
  };
}

function pageSize(asked: number): number {
  if (asked < 0 || asked > MAX_PAGE) {
    throw invalid(`page_size is ${asked}, it must be 1 to ${MAX_PAGE}, or 0 for ${DEFAULT_PAGE}`);
  }
  return asked || DEFAULT_PAGE;
}

function engineStatuses(status: InvocationStatus): EngineStatus[] {
  const found = (Object.keys(STATUS) as EngineStatus[]).filter((name) => STATUS[name] === status);
  if (found.length === 0) throw invalid(`statuses has ${status}, which is no status of an invocation`);
  return found;
}

function given<K extends string>(name: K, value: string): { [P in K]?: string } {
  return value === "" ? {} : ({ [name]: value } as { [P in K]: string });
}

function unknownInvocation(id: string): ConnectError {
  return new ConnectError(`there is no invocation ${JSON.stringify(id)}`, Code.NotFound);
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
