import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import {
  ClusterService,
  DesiredSentinelSchema,
  type ObservedSentinel,
  type ReportObservedStateRequest,
  type WatchDesiredStateRequest,
  type WatchDesiredStateResponseSchema,
} from "../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";

type Message = MessageInitShape<typeof WatchDesiredStateResponseSchema>;

/** What an agent of one region sees of hydra, told message by message. */
export class HydraByHand {
  readonly transport: Transport;
  readonly watched: WatchDesiredStateRequest[] = [];
  readonly calls: ReportObservedStateRequest[] = [];
  /** What GetSentinel says runs. */
  readonly running = new Map<string, string>();
  /** Decides on a GetSentinel; throw to refuse it. */
  onGet: (sentinelId: string) => void = () => {};
  /** Decides on a report; throw to refuse it. */
  onReport: (request: ReportObservedStateRequest) => Promise<void> | void = () => {};
  #stream: { messages: (Message | ConnectError)[]; news: PromiseWithResolvers<void> } | undefined;

  constructor() {
    this.transport = createRouterTransport(({ service }) => {
      service(ClusterService, {
        watchDesiredState: (request, { signal }) => this.#watch(request, signal),
        reportObservedState: async (request) => {
          await this.onReport(request);
          this.calls.push(request);
          return { recorded: request.sentinels.length };
        },
      });
      service(SentinelService, {
        getSentinel: ({ sentinelId }) => {
          this.onGet(sentinelId);
          return { sentinel: { runningImage: this.running.get(sentinelId) ?? "" } };
        },
      });
    });
  }

  /** Every report that was taken, in order. */
  get reports(): ObservedSentinel[] {
    return this.calls.flatMap(({ sentinels }) => sentinels);
  }

  /** Sends a message on the stream that is open. */
  send(message: Message): void {
    this.#push(message);
  }

  /** Cuts the stream that is open. */
  cut(): void {
    this.#push(new ConnectError("cut", Code.Unavailable));
  }

  #push(message: Message | ConnectError): void {
    if (!this.#stream) throw new Error("no agent has connected");
    this.#stream.messages.push(message);
    this.#stream.news.resolve();
  }

  async *#watch(request: WatchDesiredStateRequest, signal: AbortSignal): AsyncGenerator<Message> {
    this.watched.push(request);
    const stream = { messages: [] as (Message | ConnectError)[], news: Promise.withResolvers<void>() };
    this.#stream = stream;
    signal.addEventListener("abort", () => stream.news.resolve());
    while (!signal.aborted) {
      for (const message of stream.messages.splice(0)) {
        if (message instanceof ConnectError) throw message;
        yield message;
      }
      await stream.news.promise;
      stream.news = Promise.withResolvers();
    }
  }
}

export function desired(
  sentinelId: string,
  image: string,
  deployNumber = 0n,
  more: MessageInitShape<typeof DesiredSentinelSchema> = {},
) {
  return create(DesiredSentinelSchema, {
    sentinelId,
    image,
    deployNumber,
    k8sNamespace: "sentinels",
    k8sName: sentinelId,
    desiredState: SentinelDesiredState.RUNNING,
    desiredReplicas: 2,
    generation: deployNumber + 1n,
    ...more,
  });
}
