import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type pg from "pg";
import {
  type ListRolloutsRequest,
  type ListRolloutsResponse,
  ListRolloutsResponseSchema,
  type ListRolloutTargetsRequest,
  type ListRolloutTargetsResponse,
  ListRolloutTargetsResponseSchema,
  type Rollout,
  RolloutSchema,
  type SentinelRolloutService,
  SentinelRolloutState,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { readRollout, readRolloutId, readRollouts, readTargets, targetStatuses } from "../../rollout/index.ts";
import { type EventTail, unknownRollout, watchRollouts } from "../watch/index.ts";
import { namesFrom } from "./filters.ts";
import { cutPage, keyFromPageToken, numberFromToken, pageSizeFrom, pageToken } from "./paging.ts";

const HEARTBEAT_MS = 15_000;

export interface RolloutQueriesDeps {
  readonly pool: pg.Pool;
  /** The server's one tail of the log. */
  readonly tail: EventTail;
  /** Silence after which a Watch gets a heartbeat. Default 15,000. */
  readonly heartbeatMs?: number;
}

type RolloutQueries = Pick<
  ServiceImpl<typeof SentinelRolloutService>,
  "getRollout" | "listRollouts" | "listRolloutTargets" | "watch"
>;

/** The methods of SentinelRolloutService that only read. */
export function rolloutQueries({ pool, tail, heartbeatMs = HEARTBEAT_MS }: RolloutQueriesDeps): RolloutQueries {
  return {
    getRollout: async ({ rolloutId }) => ({ rollout: await getRollout(pool, rolloutId || undefined) }),
    listRollouts: (request) => listRollouts(pool, request),
    listRolloutTargets: (request) => listTargets(pool, request),
    watch: (request, { signal }) => watchRollouts({ pool, tail, heartbeatMs }, request, signal),
  };
}

async function getRollout(pool: pg.Pool, rolloutId: string | undefined): Promise<Rollout> {
  const rollout = await readRollout(pool, rolloutId);
  if (rollout) return rollout;
  if (rolloutId !== undefined) throw unknownRollout(rolloutId);
  return create(RolloutSchema, { state: SentinelRolloutState.IDLE });
}

async function listRollouts(pool: pg.Pool, request: ListRolloutsRequest): Promise<ListRolloutsResponse> {
  const size = pageSizeFrom(request.pageSize);
  const [before] = keyFromPageToken("rollouts", request.pageToken, 1) ?? [];
  const rows = await readRollouts(pool, {
    before: before === undefined ? undefined : numberFromToken(before),
    limit: size + 1,
  });
  const { page, lastOfMore } = cutPage(rows, size);
  return create(ListRolloutsResponseSchema, {
    rollouts: page.map(({ rollout }) => rollout),
    nextPageToken: lastOfMore ? pageToken("rollouts", `${lastOfMore.number}`) : "",
  });
}

async function listTargets(pool: pg.Pool, request: ListRolloutTargetsRequest): Promise<ListRolloutTargetsResponse> {
  const size = pageSizeFrom(request.pageSize);
  const statuses = namesFrom("statuses", request.statuses, targetStatuses);
  const [listed, after] = keyFromPageToken("targets", request.pageToken, 2) ?? [];
  const rolloutId = await rolloutOfTargets(pool, request.rolloutId, listed);
  if (rolloutId === undefined) return create(ListRolloutTargetsResponseSchema);
  const rows = await readTargets(pool, {
    rolloutId,
    after: after === undefined ? -1 : Number(numberFromToken(after)),
    limit: size + 1,
    statuses,
    waveIndex: request.waveIndex,
  });
  const { page, lastOfMore } = cutPage(rows, size);
  return create(ListRolloutTargetsResponseSchema, {
    targets: page.map(({ target }) => target),
    nextPageToken: lastOfMore ? pageToken("targets", rolloutId, `${lastOfMore.position}`) : "",
  });
}

/** A listing stays with the rollout of its first page, also where that was "the latest" and another has started since. */
async function rolloutOfTargets(pool: pg.Pool, asked: string, listed: string | undefined): Promise<string | undefined> {
  if (asked !== "" && listed !== undefined && asked !== listed) {
    throw new ConnectError(
      `page_token belongs to rollout ${listed}, not to ${JSON.stringify(asked)}`,
      Code.InvalidArgument,
    );
  }
  const wanted = listed ?? (asked || undefined);
  const rolloutId = await readRolloutId(pool, wanted);
  if (rolloutId === undefined && wanted !== undefined) throw unknownRollout(wanted);
  return rolloutId;
}
