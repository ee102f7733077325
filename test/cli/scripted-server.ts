import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ClusterService } from "../../src/gen/hydra/v1/cluster_pb.ts";
import { EngineService } from "../../src/gen/hydra/v1/engine_pb.ts";
import { SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  type Rollout,
  type RolloutEvent,
  RolloutSchema,
  SentinelRolloutService,
  type WatchRequest,
  WatchResponseSchema,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";

export interface Script {
  /** What Watch tells. Those added later are told later. */
  events: RolloutEvent[];
  /** Sequence and rollout of a snapshot; default: an idle one at 0. */
  snapshot?: { sequence: bigint; rollout: Rollout };
  /** Cut the connection after this many messages. */
  cutAfter?: number;
  /** End the stream once all events are told. */
  endsAfterEvents?: boolean;
  /** Told with every message; a Watch with another one is told reset. Default: none. */
  epoch?: string;
  /** Other methods. */
  service?: Partial<ServiceImpl<typeof SentinelRolloutService>> | undefined;
  sentinels?: Partial<ServiceImpl<typeof SentinelService>>;
  engine?: Partial<ServiceImpl<typeof EngineService>>;
  /** Default: a server that is too old to have it. */
  cluster?: Partial<ServiceImpl<typeof ClusterService>>;
}

export interface ScriptedServer extends AsyncDisposable {
  url: string;
  /** What each Watch asked for. */
  watches: WatchRequest[];
  /** Wakes the streams up after a change of the script. */
  wake(): void;
}

/** A server that tells what a script says, and cuts connections when told to: a real one does neither on demand. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const watches: WatchRequest[] = [];
  const wakers = new Set<() => void>();
  const wake = () => wakers.forEach((waker) => waker());
  const handler = connectNodeAdapter({
    connect: true,
    grpc: false,
    grpcWeb: false,
    routes(router) {
      router.service(SentinelRolloutService, {
        async *watch(request, context) {
          watches.push(request);
          yield* tell(script, request, context.signal, wakers);
        },
        getRollout: () => ({ rollout: script.snapshot?.rollout ?? create(RolloutSchema, { state: 1 }) }),
        ...script.service,
      });
      router.service(SentinelService, script.sentinels ?? {});
      router.service(EngineService, script.engine ?? {});
      if (script.cluster) router.service(ClusterService, script.cluster);
    },
  });
  const server = http.createServer((request, response) => {
    if (script.cutAfter !== undefined && request.url?.endsWith("/Watch")) cutAfter(response, script.cutAfter);
    // What a call has made happen is told when it answers.
    response.once("close", wake);
    handler(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    watches,
    wake,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* tell(script: Script, request: WatchRequest, signal: AbortSignal, wakers: Set<() => void>) {
  let position = request.afterSequence;
  const told = () => (script.epoch === undefined ? {} : { epoch: script.epoch });
  const reset = script.epoch !== undefined && request.epoch !== undefined && request.epoch !== script.epoch;
  if (position === undefined || reset) {
    const { sequence, rollout } = script.snapshot ?? { sequence: 0n, rollout: create(RolloutSchema, { state: 1 }) };
    const value = { rollout, sequence, reset };
    yield create(WatchResponseSchema, { message: { case: "snapshot", value }, ...told() });
    position = sequence;
  }
  const last = script.events.at(-1)?.sequence ?? 0n;
  if (position > last) throw new ConnectError("beyond the latest event", Code.OutOfRange);
  while (!signal.aborted) {
    for (const event of script.events.filter(({ sequence }) => sequence > (position as bigint))) {
      yield create(WatchResponseSchema, { message: { case: "event", value: event }, ...told() });
      position = event.sequence;
    }
    if (script.endsAfterEvents) return;
    await woken(signal, wakers);
  }
}

async function woken(signal: AbortSignal, wakers: Set<() => void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  wakers.add(resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  wakers.delete(resolve);
}

/** The messages before the cut arrive; what is written later does not. */
function cutAfter(response: http.ServerResponse, messages: number): void {
  let left = messages;
  const write = response.write.bind(response) as (chunk: unknown, done?: () => void) => boolean;
  response.write = (chunk: unknown) => {
    left -= 1;
    if (left < 0) {
      if (messages === 0) response.destroy();
      return false;
    }
    return left > 0 ? write(chunk) : write(chunk, () => response.destroy());
  };
}
