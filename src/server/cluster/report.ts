import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Engine, TerminalError } from "../../engine/index.ts";
import {
  type ObservedSentinel,
  type ReportObservedStateRequest,
  type ReportObservedStateResponse,
  ReportObservedStateResponseSchema,
} from "../../gen/hydra/v1/cluster_pb.ts";
import { checkSentinelId, recordReport, reportRow } from "../../rollout/index.ts";
import { identityFrom } from "./agent-identity.ts";
import type { Regions } from "./regions.ts";

const MOST_REPORTS = 1_000;

export interface ReportDeps {
  readonly engine: Engine;
  readonly regions: Regions;
}

/** Records what an agent sees; see the contract of `ReportObservedState` in cluster.proto. */
export async function reportObservedState(
  { engine, regions }: ReportDeps,
  { agent, sentinels }: ReportObservedStateRequest,
): Promise<ReportObservedStateResponse> {
  const { regionId, ...rest } = identityFrom(agent);
  if (sentinels.length > MOST_REPORTS) {
    throw new ConnectError(
      `sentinels has ${sentinels.length} reports, at most ${MOST_REPORTS} are accepted in one call`,
      Code.InvalidArgument,
    );
  }
  // Of one sentinel the last report counts.
  const newest = [...new Map(sentinels.map((observed) => [observed.sentinelId, observed])).values()];
  const known = newest.filter(hasSentinelId);
  const rows = known.map((observed) => reportRow(observed, regionId));
  await regions.admit({ regionId, ...rest });
  const results = rows.length === 0 ? [] : await engine.executeMany(recordReport, rows);
  const unknown = [...newest.filter((observed) => !hasSentinelId(observed)), ...known.filter((_, i) => !results[i])];
  return create(ReportObservedStateResponseSchema, {
    recorded: results.filter((result) => result?.recorded).length,
    unknownSentinelIds: unknown.map(({ sentinelId }) => sentinelId),
  });
}

/** What cannot be an id is unknown like any other: one odd label in a cluster must not hold up all its reports. */
function hasSentinelId({ sentinelId }: ObservedSentinel): boolean {
  try {
    checkSentinelId(sentinelId);
    return true;
  } catch (error) {
    if (error instanceof TerminalError) return false;
    throw error;
  }
}
