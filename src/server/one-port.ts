import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import type { EngineLog } from "../engine/index.ts";
import { judgeFirstBytes } from "./first-bytes.ts";
import { SecureDoor, type TlsFiles } from "./tls/index.ts";

// HTTP/1.1 and HTTP/2 on one port, with TLS or without. Of a plain connection
// the first bytes tell which of the two it speaks, of one with TLS the handshake
// does; then it goes to the server that understands it. Neither of these two
// servers listens itself.

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
  /** Speak TLS, and nothing else. Default: no TLS. */
  tls?: TlsFiles | undefined;
  /** How often the files are looked at for a new certificate. Default 10 s. */
  certificateLookMs?: number;
  log: EngineLog;
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
 * @throws ListenError, CertificateError
 */
export async function listenOnOnePort(options: OnePortOptions): Promise<OnePort> {
  const { host, port, handler, headTimeoutMs = HEAD_TIMEOUT_MS } = options;
  const http1 = createHttp1(handler, headTimeoutMs);
  const { server: http2Server, sessions } = createHttp2(handler);
  const sockets = new Set<net.Socket>();
  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  const hand = (socket: net.Socket, speaksHttp2: boolean) => {
    // HTTP/2 takes the bytes that were put back by itself, and then the connection below the socket.
    (speaksHttp2 ? http2Server : http1).emit("connection", socket);
    if (!speaksHttp2) socket.resume();
  };
  const door = await openDoor(options, headTimeoutMs, (socket, speaksHttp2) => {
    track(socket);
    hand(socket, speaksHttp2);
  });
  const listener = net.createServer({ noDelay: true }, (socket) => {
    track(socket);
    if (door) door.take(socket);
    else judgeFirstBytes(socket, headTimeoutMs, startsHttp2, (speaksHttp2) => hand(socket, speaksHttp2));
  });
  listener.maxConnections = MAX_CONNECTIONS;
  await listen(listener, host, port).catch((error: unknown) => {
    door?.close();
    throw error;
  });
  return {
    port: (listener.address() as net.AddressInfo).port,
    drain() {
      listener.close();
      http1.closeIdleConnections();
      for (const session of sessions) session.close();
    },
    async close() {
      door?.close();
      http1.close();
      listener.close();
      const left = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await Promise.all(left);
    },
  };
}

async function openDoor(
  { tls: files, log, certificateLookMs: lookMs }: OnePortOptions,
  timeoutMs: number,
  onSocket: (socket: net.Socket, speaksHttp2: boolean) => void,
): Promise<SecureDoor | undefined> {
  if (files === undefined) return undefined;
  return SecureDoor.open({ files, log, timeoutMs, onSocket, ...(lookMs === undefined ? {} : { lookMs }) });
}

/** Undefined: it may, as far as it has come. */
function startsHttp2(seen: Buffer): boolean | undefined {
  const compared = Math.min(seen.length, PREFACE.length);
  const matches = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared));
  return matches && compared < PREFACE.length ? undefined : matches;
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
