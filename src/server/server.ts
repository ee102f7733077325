import { setImmediate as turnOfEventLoop, setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Engine } from "../engine/index.ts";
import { Guard } from "./access/index.ts";
import { AgentStreams } from "./cluster/index.ts";
import { Front } from "./front.ts";
import { Invocations } from "./invocations.ts";
import { Metrics, MetricsPage } from "./metrics/index.ts";
import { listenOnOnePort, type OnePort } from "./one-port.ts";
import { Readiness } from "./readiness.ts";
import { RpcFront, routerOptions } from "./rpc.ts";
import { servedServices } from "./served-services.ts";
import { Services } from "./services.ts";
import type { TlsFiles } from "./tls/index.ts";
import { EventTail } from "./watch/index.ts";

// The server's edge: everything that comes in over its port, and an agent's
// calls from inside the same process.
//
// Order of stopping, which `stop` keeps to:
//   S1. No new connections; whoever watches the server's health is told that it does not serve; new calls are refused
//       as `unavailable`. What the engine does not run just now goes to other servers, where there are any.
//   S2. Streams end with `unavailable`: their clients connect elsewhere and go on.
//   S3. Calls in flight get the grace time.
//   S4. What is left is told `unavailable`, then its connection is cut. The
//       invocations behind such calls go on.

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const GRACE_MS = 5_000;
const RETENTION_MS = 24 * 60 * 60 * 1_000;
/** For the last answers to get out. */
const FLUSH_MS = 500;

export interface ServerOptions {
  /** Started, and not stopped before this server. */
  engine: Engine;
  /** For queries. Not ended by the server. */
  pool: Pool;
  /** For a connection that listens. */
  databaseUrl: string;
  /** Address or name to listen on. Anything but this machine alone needs a token, or `allowInsecure`. */
  host: string;
  /** 0: any free one. */
  port: number;
  log: Logger;
  version: string;
  /** What the engine and the domain were told to count with. Default: neither was. */
  metrics?: Metrics;
  /** Largest body, or message of a stream. Default 4 MiB. */
  maxBodyBytes?: number;
  /** While there are no tokens, listen anywhere all the same and take any Host header. Default: no. */
  allowInsecure?: boolean;
  /** Token of an admin that needs no table. Default: none. */
  adminToken?: string | undefined;
  /** Origins of web pages that may call the server, for example `https://ops.example.com`. Default: none but its own. */
  corsOrigins?: readonly string[];
  /** How long the engine keeps completed invocations. Default: a day, the engine's own default. */
  retentionMs?: number;
  /** For calls in flight when stopping. Default 5,000. */
  graceMs?: number;
  /** Speak TLS, and nothing else. Default: no TLS. */
  tls?: TlsFiles | undefined;
}

export interface RunningServer {
  /** Where clients on this machine reach it. */
  readonly url: string;
  readonly port: number;
  /** Calls the same services without the network; ends when the server stops. */
  readonly transport: Transport;
  /** Stops gracefully. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts to serve.
 *
 * @throws ListenError where the address cannot be listened on, or must not be; its message says what to do.
 * @throws CertificateError where TLS is asked for and the files cannot be served.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { engine, pool, databaseUrl, log, version, metrics = new Metrics() } = options;
  const { maxBodyBytes = MAX_BODY_BYTES, retentionMs = RETENTION_MS } = options;
  const invocations = new Invocations(engine);
  const readiness = new Readiness(pool);
  const tail = new EventTail({ pool, databaseUrl, log });
  const agentStreams = new AgentStreams();
  const guard = new Guard({ ...options, onLook: () => front.endCallsOfRefused() });
  const [stopping, ended] = [new AbortController(), new AbortController()];
  const services: Services = new Services(
    servedServices({ engine, pool, log, tail, agentStreams, readiness, guard, stopping: stopping.signal }),
  );
  const router = routerOptions(log, maxBodyBytes);
  const routes = (r: Parameters<Services["register"]>[0]) => services.register(r, invocations);
  const transport = createRouterTransport(routes, { router: { ...router, shutdownSignal: ended.signal } });
  const rpc = new RpcFront(router, routes);
  const front = new Front({
    access: guard.access,
    rpc,
    ingress: { engine, services, invocations, transport, log, maxBodyBytes, retentionMs },
    readiness,
    metrics: new MetricsPage({ metrics, version, engine, pool, tail, agentStreams, methods: rpc.methods }),
    version,
    log,
  });
  await guard.prepare();
  const port = await listenOnOnePort({ ...options, handler: (request, response) => front.handle(request, response) });
  tail.start();
  guard.start();
  const stop = () =>
    stopServer({ engine, front, port, tail, guard, stopping, ended, graceMs: options.graceMs ?? GRACE_MS });
  let stopped: Promise<void> | undefined;
  return {
    url: `${options.tls ? "https" : "http"}://${urlHost(options.host)}:${port.port}`,
    port: port.port,
    transport,
    stop: () => (stopped ??= stop()),
  };
}

interface Parts {
  readonly engine: Engine;
  readonly front: Front;
  readonly port: OnePort;
  readonly tail: EventTail;
  readonly guard: Guard;
  readonly stopping: AbortController;
  readonly ended: AbortController;
  readonly graceMs: number;
}

async function stopServer({ engine, front, port, tail, guard, stopping, ended, graceMs }: Parts): Promise<void> {
  const reason = new ConnectError("the server is stopping: connect again and go on where you were", Code.Unavailable);
  engine.drain();
  port.drain();
  stopping.abort();
  // What the streams of health say to that is written before they are ended.
  await turnOfEventLoop();
  front.endStreams(reason);
  ended.abort(reason);
  await within(graceMs, front.idle());
  front.endCalls(
    new ConnectError("the server is stopping; what was called goes on: ask for its result again", Code.Unavailable),
  );
  await within(FLUSH_MS, front.idle());
  await Promise.all([port.close(), tail.stop(), guard.stop()]);
}

async function within(timeoutMs: number, done: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([done, delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
