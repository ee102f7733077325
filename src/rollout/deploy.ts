import { create } from "@bufbuild/protobuf";
import {
  type Acceptance,
  type Arrival,
  type Context,
  effectCall,
  type HandlerDefinition,
  TerminalError,
} from "../engine/index.ts";
import {
  SentinelDeployStatus,
  SentinelService,
  type SentinelServiceDeployRequest,
  type SentinelServiceDeployResponse,
  SentinelServiceDeployResponseSchema,
} from "../gen/hydra/v1/sentinel_pb.ts";
import { abandonedDeploy, startDeployWait } from "./deploy-wait.ts";
import { admitDeploy, type AdmitDeployResult } from "./effects/admit-deploy.ts";
import { beginDeploy } from "./effects/begin-deploy.ts";
import { finishDeploy, type FinishDeployResult } from "./effects/finish-deploy.ts";
import { checkImageReference } from "./image-reference.ts";
import type { RolloutOptions } from "./options.ts";
import { protoHandler } from "./proto-handler.ts";
import { sentinelIdOfCall, unknownSentinel } from "./sentinel-call.ts";
import { type ObservedEffects, tellObserver } from "./tell-observer.ts";

/** Deploy, as an operator calls it for one sentinel. */
export function deployHandler(
  options: RolloutOptions,
): HandlerDefinition<SentinelServiceDeployRequest, SentinelServiceDeployResponse> {
  const told = tellObserver(options.observer);
  return protoHandler(SentinelService.method.deploy, {
    accept: acceptDeploy,
    run: (ctx, request) => deploy(ctx, request, options, told),
    abandoned: (_request, abandonment) =>
      effectCall(finishDeploy, { sentinelId: abandonment.key, ...abandonedDeploy(abandonment) }, told.finishDeploy),
  });
}

function acceptDeploy(
  request: SentinelServiceDeployRequest,
  { key }: Arrival,
): Acceptance<SentinelServiceDeployRequest> {
  const sentinelId = sentinelIdOfCall(request.sentinelId, key);
  if (request.image !== "") checkImageReference(request.image);
  checkNotNegative("cpu_millicores", request.cpuMillicores);
  checkNotNegative("memory_mib", request.memoryMib);
  checkNotNegative("desired_replicas", request.desiredReplicas);
  const judge = (result: unknown) => refusalOf(sentinelId, (result as AdmitDeployResult | null)?.desiredState);
  return { input: { ...request, sentinelId }, admission: { call: effectCall(admitDeploy, { sentinelId }), judge } };
}

async function deploy(
  ctx: Context,
  request: SentinelServiceDeployRequest,
  options: RolloutOptions,
  told: ObservedEffects,
): Promise<SentinelServiceDeployResponse> {
  if (ctx.supersededBy !== undefined) return failed(`superseded by ${ctx.supersededBy}`);
  const sentinelId = ctx.key;
  const wait = startDeployWait(ctx, options.deployTimeoutMs);
  const begun = await ctx.tx(
    beginDeploy,
    {
      sentinelId,
      invocation: ctx.invocationId,
      awakeable: wait.awakeable,
      image: request.image === "" ? null : request.image,
      cpuMillicores: request.cpuMillicores || null,
      memoryMib: request.memoryMib || null,
      desiredReplicas: request.desiredReplicas || null,
    },
    { end: endIfReady, committed: told.beginDeploy },
  );
  if (begun?.outcome !== "deploying") throw refusalOf(sentinelId, begun?.outcome) ?? new Error("no outcome");
  const { image } = begun;
  const finished = await wait.settle<FinishDeployResult>((end) =>
    ctx.tx(finishDeploy, { sentinelId, ...end }, { end: endIfReady, committed: told.finishDeploy }),
  );
  const reason = finished?.reason ?? "";
  if (!ctx.replaying)
    options.log.warn({ requestId: ctx.requestId, sentinelId, image, reason }, "sentinel deploy failed");
  return failed(reason);
}

function endIfReady(result: { outcome: string } | null) {
  return result?.outcome === "ready" ? { output: READY } : undefined;
}

const READY = create(SentinelServiceDeployResponseSchema, { status: SentinelDeployStatus.READY });

function failed(reason: string): SentinelServiceDeployResponse {
  return create(SentinelServiceDeployResponseSchema, { status: SentinelDeployStatus.FAILED, reason });
}

/** Why a sentinel cannot be deployed to. `state`: what it should be; undefined: there is none. */
function refusalOf(sentinelId: string, state: string | undefined): TerminalError | undefined {
  if (state === undefined) return unknownSentinel(sentinelId);
  if (state === "running") return undefined;
  return new TerminalError(`sentinel ${sentinelId} is ${state}; only running sentinels can be deployed to`, "conflict");
}

function checkNotNegative(field: string, value: number): void {
  if (value >= 0) return;
  throw new TerminalError(`${field} is ${value}; accepted are 0 (keep the current value) and above`, "invalid");
}
