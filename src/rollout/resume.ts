import { create } from "@bufbuild/protobuf";
import { effectCall, type HandlerDefinition } from "../engine/index.ts";
import {
  SentinelRolloutService,
  type SentinelRolloutServiceResumeRequest,
  type SentinelRolloutServiceResumeResponse,
  SentinelRolloutServiceResumeResponseSchema,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { driveRollout } from "./drive-rollout.ts";
import { abandonRollout } from "./effects/abandon-rollout.ts";
import { resumeRollout } from "./effects/operate-rollout.ts";
import { admitOperation } from "./operation-admission.ts";
import type { RolloutOptions } from "./options.ts";
import { protoHandler } from "./proto-handler.ts";
import { rolloutStates } from "./reading/index.ts";

/** Resume: makes a paused rollout its own, then drives it on. */
export function resumeHandler(
  options: RolloutOptions,
): HandlerDefinition<SentinelRolloutServiceResumeRequest, SentinelRolloutServiceResumeResponse> {
  return protoHandler(SentinelRolloutService.method.resume, {
    accept: admitOperation("resume", resumeRollout),
    run: (ctx) =>
      driveRollout(ctx, {
        options,
        answer: ({ state }) =>
          create(SentinelRolloutServiceResumeResponseSchema, { state: rolloutStates.valueOf(state) }),
      }),
    abandoned: (_request, { invocationId, reason }) => effectCall(abandonRollout, { driver: invocationId, reason }),
  });
}
