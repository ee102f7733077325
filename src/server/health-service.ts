import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";

/** How often a Watch looks whether the status has changed. */
const WATCH_MS = 2_000;

export interface HealthDeps {
  readonly readiness: Pick<Readiness, "ready">;
  /** Names of the services that are served. */
  readonly services: readonly string[];
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
}

/**
 * grpc.health.v1: every service serves while the database answers, until the
 * server stops. The empty name stands for the server as a whole.
 */
export function healthService({ readiness, services, stopping }: HealthDeps): ServiceImpl<typeof Health> {
  const known = new Set(["", ...services]);
  const serves = async () => !stopping.aborted && (await readiness.ready());
  const status = async () => ((await serves()) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  return {
    async check({ service }) {
      if (!known.has(service)) throw new ConnectError(`service ${service} is not known`, Code.NotFound);
      return { status: await status() };
    },
    async list() {
      const now = await status();
      return { statuses: Object.fromEntries([...known].map((service) => [service, { status: now }])) };
    },
    async *watch({ service }, { signal }) {
      let told: ServingStatus | undefined;
      while (!signal.aborted) {
        const now = known.has(service) ? await status() : ServingStatus.SERVICE_UNKNOWN;
        if (now !== told) yield { status: now };
        told = now;
        const changed = stopping.aborted ? signal : AbortSignal.any([signal, stopping]);
        await delay(WATCH_MS, undefined, { signal: changed }).catch(() => {});
      }
    },
  };
}
