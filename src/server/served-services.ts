import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Engine } from "../engine/index.ts";
import { Health } from "../gen/health/v1/health_pb.ts";
import { ClusterService } from "../gen/hydra/v1/cluster_pb.ts";
import { EngineService } from "../gen/hydra/v1/engine_pb.ts";
import { SentinelService } from "../gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { TokenService } from "../gen/hydra/v1/token_pb.ts";
import { type Guard, tokenService } from "./access/index.ts";
import { type AgentStreams, clusterService } from "./cluster/index.ts";
import { durableServicesFrom } from "./durable-method.ts";
import { engineService } from "./engine/index.ts";
import { healthService } from "./health-service.ts";
import { rolloutQueries, sentinelQueries } from "./queries/index.ts";
import type { Readiness } from "./readiness.ts";
import { served, type ServedService } from "./services.ts";
import type { EventTail } from "./watch/index.ts";

export interface ServedServicesDeps {
  readonly engine: Engine;
  readonly pool: Pool;
  readonly log: Logger;
  readonly tail: EventTail;
  readonly agentStreams: AgentStreams;
  readonly readiness: Readiness;
  readonly guard: Guard;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
}

/** Every service of this server, with what does not run on the engine. */
export function servedServices(deps: ServedServicesDeps): ServedService[] {
  const { engine, pool, log, tail, agentStreams: streams, readiness, guard, stopping } = deps;
  const durable = durableServicesFrom([SentinelRolloutService, SentinelService]);
  const own: ServedService[] = [
    served(SentinelRolloutService, rolloutQueries({ pool, tail })),
    served(SentinelService, sentinelQueries({ engine, pool, log })),
    served(ClusterService, clusterService({ engine, pool, tail, streams, log })),
    served(EngineService, engineService({ engine, pool, durable })),
    served(TokenService, tokenService({ engine, pool, log, guard })),
  ];
  const names = own.map((service) => service.desc.typeName);
  return [...own, served(Health, healthService({ readiness, services: names, stopping }))];
}
