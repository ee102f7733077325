import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type pg from "pg";
import type { Engine, EngineLog } from "../../engine/index.ts";
import {
  type ListSentinelsRequest,
  type ListSentinelsResponse,
  ListSentinelsResponseSchema,
  type Sentinel,
  type SentinelService,
  type UpsertSentinelRequest,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import {
  checkSentinelId,
  deleteSentinel,
  deployStatuses,
  readSentinel,
  readSentinels,
  sentinelSpecRow,
  upsertRefusal,
  upsertSentinels,
} from "../../rollout/index.ts";
import { namesFrom } from "./filters.ts";
import { importSentinels } from "./import-sentinels.ts";
import { cutPage, keyFromPageToken, pageSizeFrom, pageToken } from "./paging.ts";

export interface SentinelQueriesDeps {
  readonly engine: Engine;
  readonly pool: pg.Pool;
  readonly log: EngineLog;
}

type SentinelQueries = Pick<
  ServiceImpl<typeof SentinelService>,
  "getSentinel" | "listSentinels" | "upsertSentinel" | "importSentinels" | "deleteSentinel"
>;

/** The methods of SentinelService that leave no invocation behind. */
export function sentinelQueries({ engine, pool, log }: SentinelQueriesDeps): SentinelQueries {
  return {
    getSentinel: async ({ sentinelId }) => ({ sentinel: await getSentinel(pool, sentinelId) }),
    listSentinels: (request) => listSentinels(pool, request),
    upsertSentinel: async (request) => ({ sentinel: await upsertSentinel({ engine, pool }, request) }),
    importSentinels: async (requests) => {
      const response = await importSentinels({ engine, pool }, requests);
      const { created, updated, unchanged } = response;
      log.info({ created, updated, unchanged }, "sentinels imported");
      return response;
    },
    async deleteSentinel({ sentinelId }) {
      checkSentinelId(sentinelId);
      if (!(await engine.execute(deleteSentinel, { sentinelId }))) throw unknownSentinel(sentinelId);
      return {};
    },
  };
}

async function getSentinel(pool: pg.Pool, sentinelId: string): Promise<Sentinel> {
  checkSentinelId(sentinelId);
  const sentinel = await readSentinel(pool, sentinelId);
  if (!sentinel) throw unknownSentinel(sentinelId);
  return sentinel;
}

async function listSentinels(pool: pg.Pool, request: ListSentinelsRequest): Promise<ListSentinelsResponse> {
  const size = pageSizeFrom(request.pageSize);
  const [after = ""] = keyFromPageToken("sentinels", request.pageToken, 1) ?? [];
  const sentinels = await readSentinels(pool, {
    after,
    limit: size + 1,
    regionId: request.regionId,
    deployStatuses: namesFrom("deploy_statuses", request.deployStatuses, deployStatuses),
  });
  const { page, lastOfMore } = cutPage(sentinels, size);
  return create(ListSentinelsResponseSchema, {
    sentinels: [...page],
    nextPageToken: lastOfMore ? pageToken("sentinels", lastOfMore.id) : "",
  });
}

async function upsertSentinel(
  { engine, pool }: Pick<SentinelQueriesDeps, "engine" | "pool">,
  { sentinel }: UpsertSentinelRequest,
): Promise<Sentinel> {
  if (!sentinel) throw new ConnectError("sentinel is required", Code.InvalidArgument);
  const row = sentinelSpecRow(sentinel, randomUUID());
  const result = await engine.execute(upsertSentinels, row);
  const refusal = result && upsertRefusal(row, result);
  if (refusal) throw refusal;
  return await getSentinel(pool, sentinel.id);
}

function unknownSentinel(sentinelId: string): ConnectError {
  return new ConnectError(`there is no sentinel ${JSON.stringify(sentinelId)}`, Code.NotFound);
}
