import { Code, ConnectError } from "@connectrpc/connect";
import { ExitCode } from "./exit-codes.ts";

/** What a command says, and how it exits, when it did not work. */
export interface Failure {
  /** For a person: what is wrong, then what to do. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** The connection was lost and did not come back in time. */
export class ConnectionLostError extends Error {
  override name = "ConnectionLostError";
}

/** Explains any error of a call to the server at `url`. Rethrows what is not about the server: a defect of ours. */
export function explainFailure(error: unknown, url: string): Failure {
  if (error instanceof ConnectionLostError) return { message: error.message, exitCode: ExitCode.CONNECTION };
  if (!(error instanceof ConnectError)) throw error;
  const network = networkCodeOf(error);
  if (network !== undefined) return { message: noServer(url, network), exitCode: ExitCode.CONNECTION };
  switch (error.code) {
    case Code.Unavailable:
      return { message: `the server at ${url} cannot answer now: ${error.rawMessage}`, exitCode: ExitCode.CONNECTION };
    case Code.Unimplemented:
      return {
        message: `what answers at ${url} is no hydra, or one that does not know this command. Check --url or HYDRA_URL.`,
        exitCode: ExitCode.CONNECTION,
      };
    case Code.Unauthenticated:
    case Code.PermissionDenied:
      return { message: `${error.rawMessage}. Give a token with --token or HYDRA_TOKEN.`, exitCode: ExitCode.ERROR };
    case Code.FailedPrecondition:
      return { message: `${error.rawMessage}. See where it stands: hydra status`, exitCode: ExitCode.ERROR };
    default:
      return { message: error.rawMessage, exitCode: ExitCode.ERROR };
  }
}

/** Whether trying again may help: nobody answers, or the connection broke. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof ConnectError && (error.code === Code.Unavailable || networkCodeOf(error) !== undefined);
}

function noServer(url: string, network: string): string {
  switch (network) {
    case "ECONNREFUSED":
      return `no hydra at ${url}. Start one with \`hydra dev\`, or say where it is with --url or HYDRA_URL.`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `no hydra at ${url}: the host name is unknown. Check --url or HYDRA_URL.`;
    default:
      return `no connection to ${url} (${network}). Is hydra running there? Check --url or HYDRA_URL.`;
  }
}

/** Node's code of a failed connection, from anywhere in the chain of causes. */
function networkCodeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === "string" && NETWORK_CODE.test(code)) return code;
  }
  return undefined;
}

const NETWORK_CODE =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_\w+|ERR_HTTP2_\w+|ERR_SSL_\w+|EPROTO|HPE_\w+|CERT_\w+|DEPTH_ZERO_\w+|UNABLE_TO_\w+)$/;
