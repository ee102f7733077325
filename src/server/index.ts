// The only door to the server's edge.
export { ListenError } from "./one-port.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server.ts";
