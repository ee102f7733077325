/** Requests to one API server. Any number may be under way. */
export interface KubeClient {
  /**
   * One request; answers with the decoded JSON. What the API server says to come
   * back for (429, 5xx, a connection that breaks) is tried again for `patienceMs`,
   * after a wait that grows and is never shorter than its `Retry-After`; a 401 with
   * fresh credentials once. So a write whose answer was lost is made again: it has
   * to be one that does no harm twice.
   *
   * @throws KubeError with the API server's status and words.
   */
  request<T>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, options?: KubeRequest): Promise<T>;
}

export interface KubeRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: `application/json`; server-side apply has its own. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Default 30,000; 0: a single try. */
  readonly patienceMs?: number;
}

/** What the API server refused, or that it could not be asked. */
export class KubeError extends Error {
  override name = "KubeError";
  /** HTTP status; 0: no answer. */
  readonly status: number;
  /** `reason` of the Status: `Conflict`, `NotFound`, `Forbidden`, … */
  readonly reason: string;
  /** `details.causes` of the Status. */
  readonly causes: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  /** When the API server wants to be asked again, in ms from when it said so; undefined: it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    status: number,
    reason: string,
    causes: KubeError["causes"] = [],
    retryAfterMs?: number,
  ) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.causes = causes;
    this.retryAfterMs = retryAfterMs;
  }
}
