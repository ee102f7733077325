import { Code, ConnectError } from "@connectrpc/connect";
import type { Cluster } from "../gen/hydra/v1/cluster_pb.ts";
import { dateTimeOf } from "./date-time.ts";
import { inStyle, wrapText } from "./fit-text.ts";
import type { Session } from "./session.ts";
import type { Style } from "./terminal.ts";
import { countOf } from "./words.ts";

/** As many as a page of clusters has; a fleet with more regions than that is looked at with `hydra clusters`. */
const REGIONS = 1_000;
const NAMED = 3;

/** Regions that have sentinels and no agent, among the first thousand; none where the server is too old to say. */
export async function regionsWithoutAgent({ client, interrupted }: Session): Promise<readonly Cluster[]> {
  try {
    const { clusters } = await client.cluster.listClusters({ pageSize: REGIONS }, { signal: interrupted });
    return clusters.filter(({ sentinels, agents }) => sentinels > 0 && !agents.some(({ connected }) => connected));
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unimplemented) return [];
    throw error;
  }
}

/** What a person is told of such regions; no line where there is none. */
export function missingAgentLines(
  regions: readonly Cluster[],
  { columns, style }: { columns: number; style: Style },
): string[] {
  if (regions.length === 0) return [];
  const named = regions.slice(0, NAMED).map((region) => sentenceOf(region, style));
  const more = regions.length - named.length;
  const rest = more > 0 ? [`${countOf(more, "more region")} without an agent: hydra clusters lists them`] : [];
  const lines = [...named, ...rest].flatMap((sentence) => wrapText(sentence, columns));
  return ["", ...lines.map((line) => style.colors.yellow(line))];
}

function sentenceOf({ regionId, sentinels, lastSeenAt }: Cluster, style: Style): string {
  const seen = lastSeenAt === undefined ? "never seen" : `last seen ${dateTimeOf(lastSeenAt)}`;
  return `no agent connected for region ${inStyle(regionId, style)} (${countOf(sentinels, "sentinel")}), ${seen}`;
}
