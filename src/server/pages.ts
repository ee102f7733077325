import { Role } from "../gen/hydra/v1/options_pb.ts";
import type { MetricsPage } from "./metrics/index.ts";
import type { Readiness } from "./readiness.ts";
import { type Answer, textAnswer } from "./send.ts";

export interface PagesDeps {
  readonly readiness: Readiness;
  readonly metrics: MetricsPage;
  readonly version: string;
}

/** The role that each page takes. What probes ask is open: they have no token. */
export const PAGE_ROLES: ReadonlyMap<string, Role> = new Map([
  ["/", Role.VIEWER],
  ["/healthz", Role.UNSPECIFIED],
  ["/readyz", Role.UNSPECIFIED],
  ["/metrics", Role.VIEWER],
  ["/favicon.ico", Role.UNSPECIFIED],
]);

/** The server's own pages. Undefined: there is none at this path. */
export async function pageAt(path: string, { readiness, metrics, version }: PagesDeps): Promise<Answer | undefined> {
  switch (path) {
    case "/":
      return textAnswer(200, `hydra ${version}\n\nThe dashboard comes here.\n`);
    case "/healthz":
      return textAnswer(200, "ok\n");
    case "/readyz":
      return (await readiness.ready()) ? textAnswer(200, "ok\n") : textAnswer(503, "the database does not answer\n");
    case "/metrics":
      return metrics.answer();
    case "/favicon.ico":
      return textAnswer(404, "not found\n");
    default:
      return undefined;
  }
}
