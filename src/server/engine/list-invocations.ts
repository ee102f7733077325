import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Engine, InvocationFilter } from "../../engine/index.ts";
import type { ListInvocationsRequest } from "../../gen/hydra/v1/engine_pb.ts";
import { cutPage, pageSizeFrom } from "../queries/index.ts";
import { engineStatuses, invocationOf } from "./messages.ts";

/** A page of invocations. Its token is the last one's id, which says all: they are listed by id. */
export async function listInvocations(engine: Engine, request: ListInvocationsRequest) {
  const size = pageSizeFrom(request.pageSize);
  const found = await engine.listInvocations({ ...filterOf(request), limit: size + 1 });
  const { page, lastOfMore } = cutPage(found, size);
  return { invocations: page.map(invocationOf), nextPageToken: lastOfMore?.invocationId ?? "" };
}

function filterOf(request: ListInvocationsRequest): Omit<InvocationFilter, "limit"> {
  return {
    ...given("service", request.service),
    ...given("key", request.key),
    ...given("handler", request.handler),
    ...given("parentId", request.parentId),
    ...given("before", request.pageToken),
    ...(request.createdFrom && { createdFrom: timestampDate(request.createdFrom) }),
    ...(request.createdBefore && { createdBefore: timestampDate(request.createdBefore) }),
    ...(request.statuses.length > 0 ? { statuses: request.statuses.flatMap(statusesOf) } : {}),
  };
}

function statusesOf(status: ListInvocationsRequest["statuses"][number]) {
  const found = engineStatuses(status);
  if (found.length > 0) return found;
  throw new ConnectError(`statuses has ${status}, which is no status of an invocation`, Code.InvalidArgument);
}

function given<K extends string>(name: K, value: string): { [P in K]?: string } {
  return value === "" ? {} : ({ [name]: value } as { [P in K]: string });
}
