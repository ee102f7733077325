import type { HydraClient } from "../../client.ts";
import {
  type Rollout,
  RolloutSchema,
  type RolloutTarget,
  RolloutTargetSchema,
  RolloutTargetStatus,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { drawRollout } from "../draw-rollout.ts";
import { ExitCode } from "../exit-codes.ts";
import { toPlainText } from "../fit-text.ts";
import { jsonLine } from "../json-line.ts";
import { viewOfRollout, withFailures } from "../rollout-view.ts";
import type { Session } from "../session.ts";

export interface StatusOptions {
  /** Undefined: the latest. */
  rolloutId: string | undefined;
  /** List every target that failed, with its reason, instead. */
  failed: boolean;
}

const FIRST_FAILURES = 20;
const PAGE_SIZE = 1_000;

/** `hydra status`: how a rollout stands now. */
export async function status(session: Session, { rolloutId = "", failed }: StatusOptions): Promise<ExitCode> {
  if (failed) return listFailed(session, rolloutId);
  const { rollout } = await session.client.rollouts.getRollout({ rolloutId }, { signal: session.interrupted });
  if (rollout === undefined) return ExitCode.DONE;
  if (session.json) session.terminal.print(jsonLine(RolloutSchema, rollout));
  else await drawStatus(session, rollout);
  return ExitCode.DONE;
}

async function drawStatus({ client, terminal }: Session, rollout: Rollout): Promise<void> {
  const view = viewOfRollout(rollout, 0n);
  const failures = rollout.failed > 0 ? await failedPage(client, rollout.id, FIRST_FAILURES) : undefined;
  const { columns } = terminal.size();
  const canvas = { columns: columns - 1, rows: Infinity, now: Date.now(), style: terminal.style };
  for (const line of drawRollout(withFailures(view, failures?.targets ?? []), canvas)) terminal.print(line);
}

async function listFailed({ client, terminal, json }: Session, rolloutId: string): Promise<ExitCode> {
  for await (const target of failedTargets(client, rolloutId)) {
    const line = `${target.sentinelId}  ${toPlainText(target.reason)}`;
    terminal.print(json ? jsonLine(RolloutTargetSchema, target) : line);
  }
  return ExitCode.DONE;
}

async function* failedTargets(client: HydraClient, rolloutId: string): AsyncGenerator<RolloutTarget> {
  let pageToken = "";
  do {
    const page = await failedPage(client, rolloutId, PAGE_SIZE, pageToken);
    yield* page.targets;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

function failedPage(client: HydraClient, rolloutId: string, pageSize: number, pageToken = "") {
  const statuses = [RolloutTargetStatus.FAILED];
  return client.rollouts.listRolloutTargets({ rolloutId, pageSize, pageToken, statuses });
}
