import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Pool } from "pg";
import type { Engine, Restart } from "../../engine/index.ts";
import type { EngineService, RestartInvocationRequest } from "../../gen/hydra/v1/engine_pb.ts";
import { callKey } from "../call.ts";
import type { DurableService } from "../durable-method.ts";
import { IDEMPOTENCY_KEY, idempotencyKeyFrom } from "../invocations.ts";
import { isJson } from "../json-text.ts";
import { listInvocations } from "./list-invocations.ts";
import { invocationOf, journalEntryOf, servicesOf } from "./messages.ts";

const ROLLOUT_SERVICE = "hydra.v1.SentinelRolloutService";

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
    listInvocations: (request) => listInvocations(engine, request),
    async getInvocation({ invocationId }) {
      const { invocation, journal } = known(invocationId, await engine.getInvocation(invocationId));
      return { invocation: invocationOf(invocation), journal: journal.map(journalEntryOf) };
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
    ...verbs(engine),
  };
}

type Verb = "cancel" | "kill" | "pause" | "resume" | "retry" | "restart" | "purge";

function verbs(engine: Engine): Pick<ServiceImpl<typeof EngineService>, `${Verb}Invocation`> {
  const done = (id: string, found: boolean) => {
    known(id, found || undefined);
    return {};
  };
  return {
    cancelInvocation: async ({ invocationId: id, withChildren }) => done(id, await engine.cancel(id, { withChildren })),
    killInvocation: async ({ invocationId: id, withChildren }) => done(id, await engine.kill(id, { withChildren })),
    pauseInvocation: async ({ invocationId: id }) => done(id, await engine.pause(id)),
    resumeInvocation: async ({ invocationId: id }) => done(id, await engine.resume(id)),
    retryInvocation: async ({ invocationId: id }) => done(id, await engine.retry(id)),
    purgeInvocation: async ({ invocationId: id }) => done(id, await engine.purge(id)),
    async restartInvocation(request, context) {
      const { invocationId } = request;
      const accepted = await engine.restart(invocationId, restartOf(request, context));
      return { invocationId: known(invocationId, accepted).invocationId };
    },
  };
}

function restartOf({ invocationId, fromEntry }: RestartInvocationRequest, context: HandlerContext): Restart {
  if (fromEntry < 0) throw invalid(`from_entry is ${fromEntry}, it must be the index of a journal entry, from 0`);
  const { idempotencyKey } = idempotencyKeyFrom(context.requestHeader.get(IDEMPOTENCY_KEY));
  const call = context.values.get(callKey);
  return {
    fromEntry,
    // The call that is made again may have come with the same key.
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: `restart ${invocationId} ${idempotencyKey}` }),
    ...(call && { requestId: call.requestId }),
    ...(call?.caller && { caller: call.caller.name }),
  };
}

/** The rollout's state is a view over its tables; operators look for it among the object's values all the same. */
async function rolloutState(pool: Pool, service: DurableService | undefined, key: string): Promise<string | undefined> {
  if (key !== service?.literalKey) return undefined;
  const { rows } = await pool.query<{ document: string }>("select document::text as document from rollout_state");
  return rows[0]?.document;
}

/** What was found, or NOT_FOUND. */
function known<T>(id: string, found: T | undefined): T {
  if (found !== undefined) return found;
  throw new ConnectError(`there is no invocation ${JSON.stringify(id)}, or it is no longer kept`, Code.NotFound);
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
