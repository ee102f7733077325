import { create } from "@bufbuild/protobuf";
import type { HandlerDefinition } from "../engine/index.ts";
import {
  SentinelRolloutService,
  type SentinelRolloutServiceCancelRequest,
  type SentinelRolloutServiceCancelResponse,
  SentinelRolloutServiceCancelResponseSchema,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { cancelRollout } from "./effects/operate-rollout.ts";
import { admitOperation } from "./operation-admission.ts";
import { protoHandler } from "./proto-handler.ts";

const admit = admitOperation<SentinelRolloutServiceCancelRequest>("cancel", cancelRollout);
const answer = () => create(SentinelRolloutServiceCancelResponseSchema);

/** Cancel: all of it happens at the door. */
export function cancelHandler(): HandlerDefinition<
  SentinelRolloutServiceCancelRequest,
  SentinelRolloutServiceCancelResponse
> {
  return protoHandler(SentinelRolloutService.method.cancel, {
    accept: (request, arrival) => ({ ...admit(request, arrival), answer: answer() }),
    run: async () => answer(),
  });
}
