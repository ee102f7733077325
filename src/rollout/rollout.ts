import { create } from "@bufbuild/protobuf";
import { type Acceptance, type Arrival, effectCall, type HandlerDefinition, TerminalError } from "../engine/index.ts";
import {
  SentinelRolloutService,
  type SentinelRolloutServiceRolloutRequest,
  type SentinelRolloutServiceRolloutResponse,
  SentinelRolloutServiceRolloutResponseSchema,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { driveRollout } from "./drive-rollout.ts";
import { abandonRollout } from "./effects/abandon-rollout.ts";
import type { ListTargetsResult } from "./effects/list-targets.ts";
import { startRollout, type StartRolloutResult, type StartRolloutRow } from "./effects/start-rollout.ts";
import { checkImageReference } from "./image-reference.ts";
import type { RolloutOptions } from "./options.ts";
import { activeRefusal, nothingToDoRefusal } from "./phase.ts";
import { protoHandler } from "./proto-handler.ts";
import { rolloutStates } from "./reading/index.ts";
import { rolloutIdFrom } from "./rollout-id.ts";
import { checkWavePercentages } from "./waves.ts";
import { sealWebhook, webhookKeyFrom } from "./webhook-secret.ts";
import { checkWebhookUrl } from "./webhook-url.ts";

/** Rollout: starts a rollout at the door, then drives it. */
export function rolloutHandler(
  options: RolloutOptions,
): HandlerDefinition<SentinelRolloutServiceRolloutRequest, SentinelRolloutServiceRolloutResponse> {
  const seal = webhookSealer(options);
  return protoHandler(SentinelRolloutService.method.rollout, {
    accept: (request, arrival) => acceptRollout(request, arrival, options, seal),
    run: (ctx) =>
      driveRollout(ctx, {
        options,
        answer: ({ state, rolloutId }) =>
          create(SentinelRolloutServiceRolloutResponseSchema, { state: rolloutStates.valueOf(state), rolloutId }),
        onListed: (listed) => logStart(options, ctx.requestId, listed),
      }),
    abandoned: (_request, { invocationId, reason }) => effectCall(abandonRollout, { driver: invocationId, reason }),
  });
}

function acceptRollout(
  request: SentinelRolloutServiceRolloutRequest,
  { invocationId, traceContext, caller }: Arrival,
  options: RolloutOptions,
  seal: WebhookSealer,
): Acceptance<SentinelRolloutServiceRolloutRequest> {
  const { image, slackWebhookUrl } = request;
  checkImageReference(image);
  const percentages = checkWavePercentages(request.wavePercentages);
  const rolloutId = rolloutIdFrom(invocationId);
  const call = effectCall(startRollout, {
    rolloutId,
    image,
    percentages,
    driver: invocationId,
    notifies: slackWebhookUrl !== "" || options.hasDefaultWebhook,
    traceParent: traceContext?.traceparent ?? null,
    traceState: traceContext?.tracestate ?? "",
    actor: caller ?? "",
    ...seal(slackWebhookUrl, rolloutId),
  });
  // The URL goes into its own table only; what is stored of the call has none.
  return {
    input: { ...request, slackWebhookUrl: "" },
    admission: { call, judge: (result) => refusalOf(result as StartRolloutResult, image) },
  };
}

/** Checks a webhook URL (empty: none) and makes it what its table stores. */
type WebhookSealer = (url: string, rolloutId: string) => Pick<StartRolloutRow, "webhook" | "encrypted">;

function webhookSealer({ allowedWebhookHosts, secretKey }: RolloutOptions): WebhookSealer {
  const key = secretKey === undefined ? undefined : webhookKeyFrom(secretKey);
  return (url, rolloutId) => {
    if (url === "") return { webhook: null, encrypted: false };
    checkWebhookUrl(url, allowedWebhookHosts);
    const { bytes, encrypted } = sealWebhook(url, rolloutId, key);
    return { webhook: bytes.toString("base64"), encrypted };
  };
}

function refusalOf({ outcome, activeId, activeState }: StartRolloutResult, image: string): TerminalError | undefined {
  if (activeId !== null && activeState !== null) {
    return new TerminalError(activeRefusal({ id: activeId, state: activeState }), "conflict");
  }
  return outcome === "nothing_to_do" ? new TerminalError(nothingToDoRefusal(image), "conflict") : undefined;
}

function logStart({ log }: RolloutOptions, requestId: string | undefined, listed: ListTargetsResult): void {
  const { rolloutId, image, total, percentages } = listed;
  log.info({ requestId, rolloutId, image, total, wavePercentages: percentages }, "starting sentinel rollout");
}
