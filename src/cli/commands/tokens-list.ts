import { timestampMs } from "@bufbuild/protobuf/wkt";
import { RoleSchema } from "../../gen/hydra/v1/options_pb.ts";
import { type Token, TokenSchema } from "../../gen/hydra/v1/token_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { pages } from "../listing/pages.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";

/** `hydra tokens list`: by name. */
export async function tokensList(session: Session): Promise<ExitCode> {
  const { client, interrupted } = session;
  const found = pages(async (request) => {
    const { tokens, nextPageToken } = await client.tokens.listTokens(request, { signal: interrupted });
    return { rows: tokens, nextPageToken };
  });
  await showListing(session, LISTING, found);
  return ExitCode.DONE;
}

const LISTING: Listing<typeof TokenSchema> = {
  schema: TokenSchema,
  columns: [
    { title: "NAME", value: ({ name }) => name, least: 12 },
    { title: "ROLE", value: ({ role }) => enumWord(RoleSchema, role) },
    { title: "REGION", value: ({ regionId }) => regionId, least: 8 },
    { title: "CREATED", value: ({ createdAt }) => dateTimeOf(createdAt), rank: 3 },
    { title: "EXPIRES", value: expiryOf },
    { title: "LAST USED", value: ({ lastUsedAt }) => (lastUsedAt ? dateTimeOf(lastUsedAt) : "never"), rank: 2 },
  ],
  empty:
    "There are no tokens: whoever is on the server's machine may do everything. Make an admin's: hydra tokens create NAME --role admin",
};

function expiryOf({ expiresAt }: Token): string {
  if (expiresAt === undefined) return "never";
  return timestampMs(expiresAt) <= Date.now() ? "expired" : dateTimeOf(expiresAt);
}
