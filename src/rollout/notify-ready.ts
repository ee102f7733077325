import { create } from "@bufbuild/protobuf";
import { effectCall, type HandlerDefinition } from "../engine/index.ts";
import {
  SentinelService,
  type SentinelServiceNotifyReadyRequest,
  type SentinelServiceNotifyReadyResponse,
  SentinelServiceNotifyReadyResponseSchema,
} from "../gen/hydra/v1/sentinel_pb.ts";
import { reviewSentinel } from "./effects/review-sentinel.ts";
import { protoHandler } from "./proto-handler.ts";
import { sentinelIdOfCall, unknownSentinel } from "./sentinel-call.ts";

const answer = () => create(SentinelServiceNotifyReadyResponseSchema);

/** NotifyReady: looks at the sentinel again, in the commit that takes the call. */
export function notifyReadyHandler(): HandlerDefinition<
  SentinelServiceNotifyReadyRequest,
  SentinelServiceNotifyReadyResponse
> {
  return protoHandler(SentinelService.method.notifyReady, {
    accept(request, { key }) {
      const sentinelId = sentinelIdOfCall(request.sentinelId, key);
      const judge = (result: unknown) => (result === null ? unknownSentinel(sentinelId) : undefined);
      return {
        input: { ...request, sentinelId },
        admission: { call: effectCall(reviewSentinel, { sentinelId }), judge },
        answer: answer(),
      };
    },
    run: async () => answer(),
  });
}
