import { type Role, RoleSchema } from "../../gen/hydra/v1/options_pb.ts";
import { CreateTokenResponseSchema, type Token } from "../../gen/hydra/v1/token_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { enumValue, enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import type { Session } from "../session.ts";

export interface TokensCreateOptions {
  name: string;
  /** Word for a role. */
  role: string;
  /** Undefined: none. */
  region: string | undefined;
  /** Undefined: it does not expire. */
  expiresInS: number | undefined;
}

/** `hydra tokens create`: the token alone on standard output, what it is on standard error. */
export async function tokensCreate(session: Session, options: TokensCreateOptions): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  const { name, role, region = "", expiresInS } = options;
  const response = await client.tokens.createToken(
    {
      name,
      role: enumValue(RoleSchema, role) as Role,
      regionId: region,
      ...(expiresInS === undefined ? {} : { expiresIn: { seconds: BigInt(expiresInS) } }),
    },
    { signal: interrupted },
  );
  const { token, secret } = response;
  if (session.json) {
    terminal.print(jsonLine(CreateTokenResponseSchema, response));
    return ExitCode.DONE;
  }
  if (token) terminal.complain(`${described(token)} Keep it, it is not shown again:`);
  terminal.print(secret);
  return ExitCode.DONE;
}

function described({ name, role, regionId, expiresAt }: Token): string {
  const region = regionId === "" ? "" : ` for region ${regionId}`;
  const end = expiresAt ? `expires at ${dateTimeOf(expiresAt)}` : "does not expire";
  return `Token ${name} (${enumWord(RoleSchema, role)}${region}) ${end}.`;
}
