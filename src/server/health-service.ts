import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";

/** How often a Watch looks whether the status has changed. */
const WATCH_MS = 2_000;

/**
 * grpc.health.v1: every service serves while the database answers. The empty
 * name stands for the server as a whole.
 */
export function healthService(
  readiness: Pick<Readiness, "ready">,
  services: readonly string[],
): ServiceImpl<typeof Health> {
  const known = new Set(["", ...services]);
  const status = async () => ((await readiness.ready()) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
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
        await delay(WATCH_MS, undefined, { signal }).catch(() => {});
      }
    },
  };
}
