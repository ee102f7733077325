import { isIPv4 } from "node:net";

/** Does this name or address stand for this machine alone? */
export function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** The same for a Host header: with or without a port, IPv6 in brackets. */
export function isLoopbackAuthority(authority: string | undefined): boolean {
  const host = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(authority ?? "");
  return host !== null && isLoopbackHost(host[1] ?? host[2] ?? "");
}
