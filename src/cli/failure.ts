import { Code, ConnectError } from "@connectrpc/connect";
import type { TokenSource } from "../client/index.ts";
import type { Connection } from "./connection.ts";
import { ExitCode } from "./exit-codes.ts";
import { toPlainText } from "./fit-text.ts";
import { networkCodeOf, networkTrouble } from "./network-trouble.ts";

/** What a command says, and how it exits, when it did not work. */
export interface Failure {
  /** For a person: what is wrong, then what to do. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Something that a command itself found wrong; the message is shown as it is. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The connection was lost and did not come back in time. */
export class ConnectionLostError extends CommandError {
  override name = "ConnectionLostError";

  constructor(message: string, options?: ErrorOptions) {
    super(message, ExitCode.CONNECTION, options);
  }
}

/** Explains any error of a call to a server. Rethrows what is not about the server: a defect of ours. */
export function explainFailure(error: unknown, { url, token }: Connection): Failure {
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode };
  if (!(error instanceof ConnectError)) throw error;
  const network = networkCodeOf(error);
  if (network !== undefined) return { message: networkTrouble(network, url), exitCode: ExitCode.CONNECTION };
  return explainForeignAnswer(error, url) ?? explainRefusal(error, url, token);
}

/** Whether trying again may help: nobody answers, or the connection broke. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof ConnectError && (error.code === Code.Unavailable || networkCodeOf(error) !== undefined);
}

/** An answer that hydra does not give: a proxy's, or another program's. Undefined: it is hydra's. */
function explainForeignAnswer({ rawMessage, code }: ConnectError, url: string): Failure | undefined {
  // The words of the Connect client for an answer that is no RPC's.
  const status = /^HTTP (\d{3})$/.exec(rawMessage)?.[1];
  if (code === Code.Unavailable && status !== undefined) {
    return {
      message: `a proxy at ${url} answers ${status} in hydra's place: hydra does not run behind it, or is too slow. Try again.`,
      exitCode: ExitCode.CONNECTION,
    };
  }
  // A proxy that asks for a token is told apart no further: the answer to it is the same.
  if (code === Code.Unauthenticated || code === Code.PermissionDenied) return undefined;
  const type = /^unsupported content type (.*)$/.exec(rawMessage)?.[1];
  if (status === undefined && type === undefined) return undefined;
  const answer =
    status === undefined ? toPlainText(type === "null" ? "something else" : (type ?? "")) : `HTTP ${status}`;
  return {
    message: `what answers at ${url} is no hydra (it answers ${answer}). Check --url or HYDRA_URL.`,
    exitCode: ExitCode.CONNECTION,
  };
}

function explainRefusal(error: ConnectError, url: string, token: TokenSource | undefined): Failure {
  const words = toPlainText(error.rawMessage).replace(/\.$/, "");
  switch (error.code) {
    case Code.Unavailable:
      return { message: `the server at ${url} cannot answer now: ${words}.`, exitCode: ExitCode.CONNECTION };
    case Code.Unimplemented: {
      // hydra itself answers under no path: one that reaches it unchanged reads as a service.
      const path = new URL(url).pathname === "/" ? "" : ", or the path in its URL is wrong";
      return {
        message: `the server at ${url} is older than this command${path} (${words}). Upgrade it, or use the command of its version.`,
        exitCode: ExitCode.ERROR,
      };
    }
    case Code.Unauthenticated: {
      const what = token === undefined ? "Give a token with" : "It does not take the one from";
      return {
        message: `${url} asks for a token: ${words}. ${what} --token or HYDRA_TOKEN.`,
        exitCode: ExitCode.ERROR,
      };
    }
    case Code.PermissionDenied: {
      const what = token === undefined ? "Give a token" : "The token given has not the right; give another one";
      return { message: `${words}. ${what} with --token or HYDRA_TOKEN.`, exitCode: ExitCode.ERROR };
    }
    case Code.FailedPrecondition:
      return { message: `${words}. See where it stands: hydra status`, exitCode: ExitCode.ERROR };
    default:
      return { message: words, exitCode: ExitCode.ERROR };
  }
}
