import { ExitCode } from "../exit-codes.ts";
import type { Session } from "../session.ts";

/** `hydra tokens revoke`. */
export async function tokensRevoke({ client, terminal, interrupted, json }: Session, name: string): Promise<ExitCode> {
  await client.tokens.revokeToken({ name }, { signal: interrupted });
  terminal.print(
    json ? JSON.stringify({ revoked: name }) : `Token ${name} is revoked; within two seconds no server takes it.`,
  );
  return ExitCode.DONE;
}
