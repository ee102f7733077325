import {
  type Rollout,
  RolloutSchema,
  RolloutTargetSchema,
  RolloutTargetStatus,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { drawRollout } from "../drawing/draw-rollout.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { type PageRequest, pages } from "../listing/pages.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import { missingAgentLines, regionsWithoutAgent } from "../missing-agents.ts";
import { notificationLines } from "../notification-lines.ts";
import { viewOfRollout, withFailures } from "../view/rollout-view.ts";
import type { Session } from "../session.ts";

export interface StatusOptions {
  /** Undefined: the latest. */
  rolloutId: string | undefined;
  /** List every target that failed, with its reason, instead. */
  failed: boolean;
}

const FIRST_FAILURES = 20;

/** `hydra status`: how a rollout stands now. */
export async function status(session: Session, { rolloutId = "", failed }: StatusOptions): Promise<ExitCode> {
  if (failed) return listFailed(session, rolloutId);
  const { rollout } = await session.client.rollouts.getRollout({ rolloutId }, { signal: session.interrupted });
  if (rollout === undefined) return ExitCode.DONE;
  if (session.json) session.terminal.print(jsonLine(RolloutSchema, rollout));
  else await drawStatus(session, rollout);
  return ExitCode.DONE;
}

async function drawStatus(session: Session, rollout: Rollout): Promise<void> {
  const { client, terminal, interrupted } = session;
  const view = viewOfRollout(rollout, 0n);
  const request = failedTargets(rollout.id, { pageSize: FIRST_FAILURES, pageToken: "" });
  const failures =
    rollout.failed > 0 ? await client.rollouts.listRolloutTargets(request, { signal: interrupted }) : undefined;
  const { columns } = terminal.size();
  const canvas = { columns: columns - 1, rows: Infinity, now: Date.now(), style: terminal.style, hints: true };
  for (const line of drawRollout(withFailures(view, failures?.targets ?? []), canvas)) terminal.print(line);
  for (const line of notificationLines(rollout.notifications, canvas)) terminal.print(line);
  for (const line of missingAgentLines(await regionsWithoutAgent(session), canvas)) terminal.print(line);
}

async function listFailed(session: Session, rolloutId: string): Promise<ExitCode> {
  const { client, interrupted } = session;
  const found = pages(async (request) => {
    const page = await client.rollouts.listRolloutTargets(failedTargets(rolloutId, request), { signal: interrupted });
    return { rows: page.targets, nextPageToken: page.nextPageToken };
  });
  await showListing(session, FAILED, found);
  return ExitCode.DONE;
}

const FAILED: Listing<typeof RolloutTargetSchema> = {
  schema: RolloutTargetSchema,
  columns: [
    { title: "SENTINEL", value: ({ sentinelId }) => sentinelId, least: 16 },
    { title: "WAVE", value: ({ waveIndex }) => `${waveIndex + 1}`, align: "right" },
    { title: "REASON", value: ({ reason }) => reason, least: 20 },
  ],
  empty: "No sentinel of this rollout has failed.",
};

function failedTargets(rolloutId: string, request: PageRequest) {
  return { rolloutId, ...request, statuses: [RolloutTargetStatus.FAILED] };
}
