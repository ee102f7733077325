import type { Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Agent } from "../../gen/hydra/v1/cluster_pb.ts";
import { callKey } from "../call.ts";
import type { Caller } from "./caller.ts";
import { otherRegion } from "./refusals.ts";

/**
 * Keeps a caller whose token is bound to a region in it: each message it sends
 * must say `agent.region_id`, and that region. Calls through memory pass.
 */
export const boundToRegion: Interceptor = (next) => async (request) => {
  const caller = request.contextValues.get(callKey)?.caller;
  if (!caller || caller.regionId === "") return next(request);
  if (request.stream) return next({ ...request, message: checkedEach(request.message, caller) });
  check(request.message, caller);
  return next(request);
};

async function* checkedEach(messages: AsyncIterable<Message>, caller: Caller): AsyncGenerator<Message> {
  for await (const message of messages) {
    check(message, caller);
    yield message;
  }
}

function check(message: Message, caller: Caller): void {
  const { agent } = message as Message & { readonly agent?: Agent };
  const asked = agent?.regionId ?? "";
  if (asked !== caller.regionId) throw otherRegion(caller, asked);
}
