import http from "node:http";
import http2 from "node:http2";
import net from "node:net";

// HTTP/1.1 and cleartext HTTP/2 on one port. A connection's first bytes tell
// which of the two it speaks; they are put back and the connection goes to the
// server that understands it. Neither of these two servers listens itself.

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Either kind of request; the answers have what both kinds can do. */
export type NodeRequest = http.IncomingMessage | http2.Http2ServerRequest;
export type NodeResponse = http.ServerResponse | http2.Http2ServerResponse;
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

export interface OnePortOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  handler: NodeHandler;
  /** How long a new connection may take to say what it speaks, and a request to send its head. Default 10 s. */
  headTimeoutMs?: number;
}

export interface OnePort {
  readonly port: number;
  /** Takes no new connections and tells the open ones that they end with what is in flight on them. */
  drain(): void;
  /** Cuts every connection. Resolves when none is left. */
  close(): Promise<void>;
}

const HEAD_TIMEOUT_MS = 10_000;
/** For all of a request's body; answers may take as long as they like. */
const BODY_TIMEOUT_MS = 5 * 60_000;
const IDLE_TIMEOUT_MS = 65_000;
const MAX_HEAD_BYTES = 32 * 1024;
const MAX_CONNECTIONS = 10_000;
const MAX_STREAMS_PER_CONNECTION = 1_000;
/** Megabytes that one HTTP/2 connection may take in headers and frames not yet handled. */
const MAX_SESSION_MEMORY = 32;

/** The port cannot be listened on; the message says what to do. */
export class ListenError extends Error {
  override name = "ListenError";
}

/**
 * Listens.
 *
 * @throws ListenError
 */
export async function listenOnOnePort(options: OnePortOptions): Promise<OnePort> {
  const { host, port, handler, headTimeoutMs = HEAD_TIMEOUT_MS } = options;
  const http1 = createHttp1(handler, headTimeoutMs);
  const { server: http2Server, sessions } = createHttp2(handler);
  const sockets = new Set<net.Socket>();
  const listener = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    sniff(socket, headTimeoutMs, (speaksHttp2) => {
      if (speaksHttp2) {
        // Takes the bytes that were put back by itself, and then the connection below the socket.
        http2Server.emit("connection", socket);
      } else {
        http1.emit("connection", socket);
        socket.resume();
      }
    });
  });
  listener.maxConnections = MAX_CONNECTIONS;
  await listen(listener, host, port);
  return {
    port: (listener.address() as net.AddressInfo).port,
    drain() {
      listener.close();
      http1.closeIdleConnections();
      for (const session of sessions) session.close();
    },
    async close() {
      http1.close();
      listener.close();
      const left = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await Promise.all(left);
    },
  };
}

/** Looks at the first bytes without taking them. A socket that sends nothing in time, or goes, is dropped. */
function sniff(socket: net.Socket, timeoutMs: number, decide: (speaksHttp2: boolean) => void): void {
  const onGone = () => socket.destroy();
  const timer = setTimeout(onGone, timeoutMs);
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const matches = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared));
    if (matches && compared < PREFACE.length) return;
    stop();
    socket.pause();
    socket.unshift(seen);
    decide(matches);
  };
  const stop = () => {
    clearTimeout(timer);
    socket.off("data", onData).off("end", onGone).off("error", onGone).off("close", stop);
  };
  socket.on("data", onData).on("end", onGone).on("error", onGone).on("close", stop);
}

function createHttp1(handler: NodeHandler, headersTimeout: number): http.Server {
  const server = http.createServer(
    {
      headersTimeout,
      requestTimeout: BODY_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
      connectionsCheckingInterval: Math.min(headersTimeout, 5_000),
    },
    handler,
  );
  // The server starts to watch its time-outs when it listens, which this one never does.
  server.emit("listening");
  return server;
}

function createHttp2(handler: NodeHandler): { server: http2.Http2Server; sessions: Set<http2.ServerHttp2Session> } {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer(
    {
      settings: { maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION, maxHeaderListSize: MAX_HEAD_BYTES },
      maxSessionMemory: MAX_SESSION_MEMORY,
    },
    (request, response) => {
      endWithAnswer(response);
      handler(request, response);
    },
  );
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  // A client that breaks the protocol or hangs up ends its own session; there is nobody to tell.
  server.on("sessionError", () => {});
  return { server, sessions };
}

/** An answer ends its stream, also where the client would go on sending: nobody would listen. */
function endWithAnswer({ stream }: http2.Http2ServerResponse): void {
  stream.once("wantTrailers", () => setImmediate(() => stream.close(http2.constants.NGHTTP2_NO_ERROR)));
}

async function listen(listener: net.Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    listener.listen(port, host, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const why: Record<string, string> = {
    EADDRINUSE:
      "is in use: stop what listens there, perhaps another hydra, or choose another port (0 takes any free one)",
    EACCES: "may not be used by this user: choose a port from 1024 on",
    EADDRNOTAVAIL: "cannot be used: the address is not one of this machine",
    ENOTFOUND: "cannot be used: the host name is not known",
  };
  const sentence = why[error.code ?? ""] ?? `cannot be used: ${error.message}`;
  return new ListenError(`port ${port} on ${host} ${sentence}`, { cause: error });
}
