import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { InvocationSchema, type InvocationStatus, InvocationStatusSchema } from "../../gen/hydra/v1/engine_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { enumValues } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { standing } from "../invocations/standing.ts";
import { pages } from "../listing/pages.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";

export interface InvocationsListOptions {
  /** Undefined, here and below: all. */
  service?: string | undefined;
  key?: string | undefined;
  handler?: string | undefined;
  /** Id of the invocation that called them. */
  parent?: string | undefined;
  /** When they were created. */
  from?: Date | undefined;
  before?: Date | undefined;
  /** Words for statuses; empty: all. */
  statuses: readonly string[];
  limit?: number | undefined;
}

/** An invocation comes with its input and output, which may be long. */
const PAGE_SIZE = 100;

/** `hydra invocations list`: the newest first. */
export async function invocationsList(session: Session, options: InvocationsListOptions): Promise<ExitCode> {
  const { service = "", key = "", handler = "", parent = "", statuses, limit } = options;
  const { client, interrupted } = session;
  const filter = {
    service,
    key,
    handler,
    parentId: parent,
    statuses: enumValues<InvocationStatus>(InvocationStatusSchema, statuses),
    ...(options.from && { createdFrom: timestampFromDate(options.from) }),
    ...(options.before && { createdBefore: timestampFromDate(options.before) }),
  };
  const found = pages(
    async (request) => {
      const page = await client.engine.listInvocations({ ...filter, ...request }, { signal: interrupted });
      return { rows: page.invocations, nextPageToken: page.nextPageToken };
    },
    { limit, pageSize: PAGE_SIZE },
  );
  await showListing(session, LISTING, found);
  return ExitCode.DONE;
}

const LISTING: Listing<typeof InvocationSchema> = {
  schema: InvocationSchema,
  columns: [
    { title: "CREATED", value: ({ createdAt }) => dateTimeOf(createdAt), rank: 2 },
    { title: "STATUS", value: standing },
    { title: "HANDLER", value: ({ handler }) => handler, least: 8 },
    { title: "KEY", value: ({ key }) => key, least: 10 },
    { title: "TRIES", value: ({ attempts }) => `${attempts}`, align: "right", rank: 3 },
    { title: "ID", value: ({ id }) => id },
    { title: "SERVICE", value: ({ service }) => service, least: 16, rank: 5 },
    { title: "FAILURE", value: ({ failure }) => failure, least: 12, rank: 4 },
  ],
  empty: "No invocation is like that, or none is kept any longer.",
};
