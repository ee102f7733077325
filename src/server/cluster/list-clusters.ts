import { create } from "@bufbuild/protobuf";
import type pg from "pg";
import {
  type ListClustersRequest,
  type ListClustersResponse,
  ListClustersResponseSchema,
} from "../../gen/hydra/v1/cluster_pb.ts";
import { readClusters } from "../../rollout/index.ts";
import { cutPage, keyFromPageToken, pageSizeFrom, pageToken } from "../queries/index.ts";

/** A page of clusters, with their agents and how their sentinels stand; see the contract of `ListClusters` in cluster.proto. */
export async function listClusters(pool: pg.Pool, request: ListClustersRequest): Promise<ListClustersResponse> {
  const size = pageSizeFrom(request.pageSize);
  const [after = ""] = keyFromPageToken("clusters", request.pageToken, 1) ?? [];
  const { page, lastOfMore } = cutPage(await readClusters(pool, { after, limit: size + 1 }), size);
  return create(ListClustersResponseSchema, {
    clusters: [...page],
    nextPageToken: lastOfMore ? pageToken("clusters", lastOfMore.regionId) : "",
  });
}
