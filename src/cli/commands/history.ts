import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Rollout, RolloutSchema } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { ExitCode } from "../exit-codes.ts";
import { pages } from "../listing/pages.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";
import { formatDuration, stateWord } from "../words.ts";

export interface HistoryOptions {
  /** Rollouts at most. */
  limit: number;
}

/** `hydra history`: the rollouts there were, the newest first. */
export async function history(session: Session, { limit }: HistoryOptions): Promise<ExitCode> {
  const { client, interrupted } = session;
  const found = pages(
    async (request) => {
      const { rollouts, nextPageToken } = await client.rollouts.listRollouts(request, { signal: interrupted });
      return { rows: rollouts, nextPageToken };
    },
    { limit },
  );
  await showListing(session, LISTING, found);
  return ExitCode.DONE;
}

const LISTING: Listing<typeof RolloutSchema> = {
  schema: RolloutSchema,
  columns: [
    { title: "STARTED", value: ({ createdAt }) => dateTimeOf(createdAt) },
    { title: "TOOK", value: tookOf, align: "right", rank: 3 },
    { title: "STATE", value: ({ state }) => stateWord(state), least: 9 },
    { title: "READY", value: ({ ready, total }) => `${ready}/${total}`, align: "right" },
    { title: "FAILED", value: ({ failed }) => `${failed}`, align: "right" },
    { title: "SKIPPED", value: ({ skipped }) => `${skipped}`, align: "right", rank: 4 },
    { title: "REVERTED", value: ({ reverted }) => `${reverted}`, align: "right", rank: 4 },
    { title: "ID", value: ({ id }) => id, rank: 2 },
    { title: "IMAGE", value: ({ image }) => image, least: 8, cut: "start" },
  ],
  empty: "There was no rollout yet. Start one: hydra rollout IMAGE",
};

/** Up to now while it goes on. */
function tookOf({ createdAt, endedAt }: Rollout): string {
  if (createdAt === undefined) return "";
  return formatDuration((endedAt === undefined ? Date.now() : timestampMs(endedAt)) - timestampMs(createdAt));
}
