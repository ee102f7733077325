import type { TokenSource } from "../client/index.ts";
import { CommandError } from "./failure.ts";
import { ExitCode } from "./exit-codes.ts";

/** How a server is reached. */
export interface Connection {
  readonly url: string;
  readonly token: TokenSource | undefined;
  /** Certificates (PEM) to trust besides those of the system. */
  readonly authority?: string | undefined;
}

const ACCEPTED_URL = "accepted is http:// or https://, a host, and where a proxy wants one a path";

/**
 * The address without a slash at its end, and the token. Neither is shown where
 * it is refused: both may hold a secret.
 *
 * @throws CommandError of wrong usage.
 */
export function checkConnection({ url, token }: Connection): Connection {
  const parsed = URL.parse(url);
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) {
    throw usage(`the URL of the server (--url or HYDRA_URL) is no address: ${ACCEPTED_URL}.`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw usage("the URL of the server (--url or HYDRA_URL) names a user. Give a token with --token or HYDRA_TOKEN.");
  }
  if (parsed.search !== "" || parsed.hash !== "") {
    throw usage(`the URL of the server (--url or HYDRA_URL) has a part after its path: ${ACCEPTED_URL}.`);
  }
  // Visible ASCII is all that a header can carry and a token consists of.
  if (typeof token === "string" && !/^[\x21-\x7e]+$/.test(token)) {
    const problem = token === "" ? "is empty" : "has characters that no token has (a blank, a line break?)";
    throw usage(`the token (--token or HYDRA_TOKEN) ${problem}. Give another one, or none.`);
  }
  return { url: url.replace(/\/+$/, ""), token };
}

function usage(message: string): CommandError {
  return new CommandError(message, ExitCode.USAGE);
}
