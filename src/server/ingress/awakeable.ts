import { isJson } from "../json-text.ts";
import type { Answer } from "../send.ts";
import type { IngressDeps } from "./deps.ts";
import { IngressFailure } from "./failure.ts";
import { bodyOf, bodyText, type CallRequest } from "./input.ts";
import type { Route } from "./route.ts";

type AwakeableRoute = Extract<Route, { kind: "awakeable" }>;

/** Completes an awakeable. Repeats change nothing and are answered alike. */
export async function completeAwakeable(
  { awakeableId, verb }: AwakeableRoute,
  asked: CallRequest,
  deps: IngressDeps,
): Promise<Answer> {
  const text = bodyText(await bodyOf(asked, deps.maxBodyBytes));
  if (verb === "reject") {
    await deps.engine.rejectAwakeable(awakeableId, text || "rejected");
  } else {
    if (text !== "" && !isJson(text)) throw new IngressFailure(400, "the value of an awakeable must be JSON");
    await deps.engine.resolveAwakeable(awakeableId, text || "null");
  }
  return { status: 202 };
}
