// The only door to the server's edge.
export { Metrics } from "./metrics/index.ts";
export { ListenError } from "./one-port.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server.ts";
export { CertificateError, type TlsFiles } from "./tls/index.ts";
export { startTraces, type TracesOptions } from "./traces/index.ts";
