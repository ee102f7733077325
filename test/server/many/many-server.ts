import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { EngineLimits } from "../../../src/engine/index.ts";
import { SentinelService } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { ForkedNode, PATIENCE } from "../../engine/fixtures/forked-node.ts";
import { eventually } from "../../support/eventually.ts";

const MB = 1024 * 1024;
const PROCESS = new URL("./process.ts", import.meta.url);

type Message =
  | { kind: "ready"; url: string; pid: number }
  | { kind: "memory"; rss: number; heapUsed: number; pid: number };
type Order = { kind: "collect" | "memory" };

/** A server in a process of its own, and one connection to it, which any number of callers share. */
export class ManyServer extends ForkedNode<Message, Order> {
  static async start(databaseUrl: string, limits: Partial<EngineLimits> = {}): Promise<ManyServer> {
    const env = { DATABASE_URL: databaseUrl, LIMITS: JSON.stringify(limits) };
    const server = new ManyServer(PROCESS, env, ["--expose-gc"]);
    await server.ready();
    return server;
  }

  #transport: ReturnType<typeof createGrpcTransport> | undefined;

  get url(): string {
    return this.told("ready")[0]?.url ?? "";
  }

  get pid(): number {
    return this.told("ready")[0]?.pid ?? 0;
  }

  get sentinels() {
    return createClient(SentinelService, this.#connection);
  }

  get rollouts() {
    return createClient(SentinelRolloutService, this.#connection);
  }

  /** Its memory in MB; `heap`: what a collection leaves of it, where one is asked for. */
  async memory(kind: Order["kind"]): Promise<{ rss: number; heap: number }> {
    const before = this.told("memory").length;
    this.order({ kind });
    await eventually(() => this.told("memory").length > before, PATIENCE);
    const { rss, heapUsed } = this.told("memory").at(-1)!;
    return { rss: rss / MB, heap: heapUsed / MB };
  }

  /** As an orchestrator stops it. Resolves to its exit code. */
  async drain(): Promise<number | null> {
    process.kill(this.pid, "SIGTERM");
    await this.ended();
    return this.exitCode;
  }

  get #connection() {
    return (this.#transport ??= createGrpcTransport({ baseUrl: this.url, idleConnectionTimeoutMs: 1_000 }));
  }
}
