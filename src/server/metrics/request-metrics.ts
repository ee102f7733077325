import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Meters } from "./meters.ts";

const OK = "ok";
/** Everything that is no call of a method: pages, unknown paths, the ingress' own paths. */
const OTHER = "other";
const CODES = [OK, ...codes()];
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];

/** Plain HTTP says less than a code: the one that such a status stands for most often. */
const CODE_OF_STATUS: Readonly<Record<string, string>> = {
  http_401: "unauthenticated",
  http_403: "permission_denied",
  http_404: "not_found",
  http_405: "unimplemented",
  http_409: "failed_precondition",
  http_413: "resource_exhausted",
  http_429: "resource_exhausted",
  http_470: "failed_precondition",
  http_499: "canceled",
  http_501: "unimplemented",
  http_503: "unavailable",
  http_504: "deadline_exceeded",
};

/** A method as metrics know it. */
export interface MeasuredMethod {
  /** `hydra.v1.SentinelService/Deploy`. */
  readonly name: string;
  /** How long it is open says nothing of the server. */
  readonly streams: boolean;
}

/** Counts the requests over the port. Labels are the methods of the descriptors and the codes, never what a caller wrote. */
export class RequestMetrics {
  readonly #methods: ReadonlySet<string>;
  readonly #counters: ReadonlyMap<string, () => void>;
  readonly #seconds: ReadonlyMap<string, (seconds: number) => void>;

  constructor(meters: Meters, methods: readonly MeasuredMethod[]) {
    const names = methods.map(({ name }) => name);
    this.#methods = new Set(names);
    this.#counters = meters.counters(
      "hydra_rpc_requests_total",
      "Requests that have ended, by method and code, this server. Calls through the ingress count for the method that they reach, everything else as other.",
      { method: [...names, OTHER], code: CODES },
    );
    this.#seconds = meters.histograms(
      "hydra_rpc_request_duration_seconds",
      "Time from a request's head to the end of its answer, by method, without streams, this server. Rollout, Resume and RollbackAll last as long as what they do.",
      SECONDS,
      { label: "method", values: [...methods.filter(({ streams }) => !streams).map(({ name }) => name), OTHER] },
    );
  }

  /** A request has ended. `name` and `code` as the log has them. */
  ended(name: string, code: string, durationMs: number): void {
    const called = name.endsWith("/send") ? name.slice(0, -"/send".length) : name;
    const method = this.#methods.has(called) ? called : OTHER;
    this.#counters.get(`${method} ${codeLabel(code)}`)?.();
    this.#seconds.get(method)?.(durationMs / 1_000);
  }
}

function codeLabel(code: string): string {
  if (!code.startsWith("http_")) return code;
  return CODE_OF_STATUS[code] ?? (code < "http_5" ? "invalid_argument" : "internal");
}

function codes(): string[] {
  return Object.values(Code)
    .filter((code) => typeof code === "number")
    .map((code) => codeToString(code));
}
