/** Requests to one API server. Any number may be under way. */
export interface KubeClient {
  /**
   * One request; answers with the decoded JSON. What the API server says to come
   * back for (429, 5xx, a connection that breaks) is tried again with its
   * `Retry-After` or a growing wait, for `patienceMs`; a 401 with fresh
   * credentials once.
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

  constructor(
    message: string,
    status: number,
    reason: string,
    causes: KubeError["causes"] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.reason = reason;
    this.causes = causes;
  }
}
