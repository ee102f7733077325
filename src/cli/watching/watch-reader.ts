// Watch with less work for each event (`bench/cli-live.ts` draws whole rollouts). A rollout has two events for each
// sentinel, and whoever draws one of 10,000 has other uses for the machine. Short is only the way that is gone thousands
// of times: whatever else the server answers is left to the client.

import http from "node:http";
import https from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { type HydraClient, trustedBesides, type WatchResponse } from "../../client/index.ts";
import {
  SentinelRolloutService,
  WatchRequestSchema,
  WatchResponseSchema,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { Connection } from "../connection.ts";
import { joinEnvelope, splitEnvelopes } from "./envelope.ts";
import { forPicture, type Kept, skim, type SkimmedResponse } from "./skim.ts";

type Watch = HydraClient["rollouts"]["watch"];
type Request = Parameters<Watch>[0];

/** So many events at once will have more behind them: they are read together. */
const MANY = 16;
/** Less than between two pictures. */
const GATHER_MS = 40;

const CONTENT_TYPE = "application/connect+proto";

/** The same client with a Watch that costs less. Of the options of a call, Watch knows `signal` and `forPicture`. */
export function withQuickWatch(client: HydraClient, connection: Connection): HydraClient {
  const watch: Watch = (request, options) => watchQuickly(client.rollouts.watch, connection, request, options);
  return { ...client, rollouts: { ...client.rollouts, watch } };
}

async function* watchQuickly(
  ordinary: Watch,
  connection: Connection,
  request: Request,
  options: CallOptions = {},
): AsyncGenerator<WatchResponse, void> {
  const response = await open(connection, request, options.signal).catch(() => undefined);
  if (response === undefined) return yield* ordinary(request, options);
  try {
    yield* readMessages(response, options.contextValues?.get(forPicture) ?? false);
  } catch (error) {
    throw error instanceof ConnectError ? error : connectionError(error);
  } finally {
    response.destroy();
  }
}

/** Undefined where the answer is no stream of messages. */
async function open(
  { url, token, authority }: Connection,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<http.IncomingMessage | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const { request: send } = url.startsWith("https:") ? https : http;
  const headers = {
    "content-type": CONTENT_TYPE,
    "connect-protocol-version": "1",
    ...(token === undefined ? {} : { authorization: `Bearer ${typeof token === "string" ? token : token()}` }),
  };
  const path = `${url}/${SentinelRolloutService.typeName}/${SentinelRolloutService.method.watch.name}`;
  const trust = authority === undefined ? {} : trustedBesides(authority);
  const call = send(path, { method: "POST", headers, ...trust, ...(signal ? { signal } : {}) }, resolve);
  call.on("error", reject);
  call.end(joinEnvelope(toBinary(WatchRequestSchema, create(WatchRequestSchema, request))));
  const response = await promise;
  if (response.statusCode === 200 && response.headers["content-type"] === CONTENT_TYPE) return response;
  response.destroy();
  return undefined;
}

async function* readMessages(
  response: AsyncIterable<Uint8Array>,
  isSkimmed: boolean,
): AsyncGenerator<SkimmedResponse, void> {
  let rest: Uint8Array = new Uint8Array();
  // What has arrived meanwhile comes as one chunk, however many messages it holds.
  for await (const chunk of response) {
    const { envelopes, rest: more } = splitEnvelopes(rest, chunk);
    rest = more;
    const messages = envelopes.filter(({ isEnd }) => !isEnd).map(({ data }) => data);
    for (const { data, passedOver } of isSkimmed ? skim(messages) : messages.map(alone)) {
      const message = fromBinary(WatchResponseSchema, data);
      yield passedOver ? { ...message, passedOver } : message;
    }
    const last = envelopes.at(-1);
    if (last?.isEnd) return throwIfRefused(last.data);
    if (isSkimmed && messages.length >= MANY) await delay(GATHER_MS);
  }
  throw new ConnectError("the stream was cut", Code.Unavailable);
}

function alone(data: Uint8Array): Kept {
  return { data, passedOver: undefined };
}

/** The last envelope tells how the call ended. */
function throwIfRefused(data: Uint8Array): void {
  const { error } = JSON.parse(Buffer.from(data).toString()) as { error?: { code: string; message?: string } };
  if (error === undefined) return;
  const name = error.code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  throw new ConnectError(error.message ?? "", Code[name as keyof typeof Code] ?? Code.Unknown);
}

function connectionError(cause: unknown): ConnectError {
  return new ConnectError("the connection was lost", Code.Unavailable, undefined, undefined, cause);
}
