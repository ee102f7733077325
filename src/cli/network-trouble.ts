/** Node's code of a failed connection, from anywhere in the chain of causes. */
export function networkCodeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === "string" && NETWORK_CODE.test(code)) return code;
  }
  return undefined;
}

const NETWORK_CODE =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_\w+|ERR_HTTP2_\w+|ERR_SSL_\w+|ERR_TLS_\w+|EPROTO|HPE_\w+|CERT_\w+|SELF_SIGNED_\w+|DEPTH_ZERO_\w+|UNABLE_TO_\w+)$/;

/** What a code means for somebody who wants to reach a server, and what to do. */
export function networkTrouble(code: string, url: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return `no hydra at ${url}. Start one with \`hydra dev\`, or say where it is with --url or HYDRA_URL.`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `no hydra at ${url}: the host name is unknown. Check --url or HYDRA_URL.`;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return `the certificate of ${url} is not valid now (${code}). Renew it, or set the clock of this machine.`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `the certificate of ${url} is for another name. Use the name that it is for in --url or HYDRA_URL.`;
  }
  if (/SELF_SIGNED|UNABLE_TO_|^CERT_/.test(code)) {
    return `the certificate of ${url} is not trusted here (${code}). Name the file of its authority in HYDRA_CA_FILE.`;
  }
  if (/^(EPROTO|ERR_SSL_)/.test(code)) {
    return `${url} does not speak TLS as expected (${code}). If it is a plain server, use http:// in --url or HYDRA_URL.`;
  }
  // The first bytes of TLS are no HTTP.
  const https = code.startsWith("HPE_") ? " It may want https://." : "";
  return `no connection to ${url} (${code}). Is hydra running there?${https} Check --url or HYDRA_URL.`;
}
