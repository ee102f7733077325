import {
  type Sentinel,
  type SentinelDeployStatus,
  SentinelDeployStatusSchema,
  SentinelHealthSchema,
  SentinelSchema,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import { enumValues, enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { pages } from "../listing/pages.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";

export interface SentinelsListOptions {
  /** Undefined: every region. */
  region: string | undefined;
  /** Words for deploy statuses; empty: all. */
  statuses: readonly string[];
  /** Undefined: all. */
  limit: number | undefined;
}

/** `hydra sentinels list`: by id. */
export async function sentinelsList(session: Session, options: SentinelsListOptions): Promise<ExitCode> {
  const { region = "", statuses, limit } = options;
  const { client, interrupted } = session;
  const filter = {
    regionId: region,
    deployStatuses: enumValues<SentinelDeployStatus>(SentinelDeployStatusSchema, statuses),
  };
  const found = pages(
    async (request) => {
      const page = await client.sentinels.listSentinels({ ...filter, ...request }, { signal: interrupted });
      return { rows: page.sentinels, nextPageToken: page.nextPageToken };
    },
    { limit },
  );
  const filtered = region !== "" || statuses.length > 0;
  await showListing(session, filtered ? { ...LISTING, empty: "No sentinel is like that." } : LISTING, found);
  return ExitCode.DONE;
}

const LISTING: Listing<typeof SentinelSchema> = {
  schema: SentinelSchema,
  columns: [
    { title: "ID", value: ({ id }) => id, least: 16 },
    { title: "REGION", value: ({ regionId }) => regionId, least: 8, rank: 3 },
    { title: "HEALTH", value: ({ health }) => enumWord(SentinelHealthSchema, health) },
    { title: "REPLICAS", value: replicasOf, align: "right", rank: 4 },
    { title: "DEPLOY", value: ({ deployStatus }) => enumWord(SentinelDeployStatusSchema, deployStatus) },
    { title: "IMAGE", value: ({ image }) => image, least: 12, cut: "start" },
    { title: "RUNNING", value: ({ runningImage }) => runningImage, least: 12, cut: "start", rank: 5 },
    { title: "REASON", value: ({ deployReason }) => deployReason, least: 12, rank: 2 },
  ],
  empty: "There are no sentinels yet. Bring some: hydra sentinels import FILE",
};

/** How many are desired is left out where that is not hydra's to say. */
function replicasOf({ availableReplicas, desiredReplicas }: Sentinel): string {
  return desiredReplicas === 0 ? `${availableReplicas}` : `${availableReplicas}/${desiredReplicas}`;
}
