import { HttpMethod, IsomorphicFetchHttpLibrary, RequestContext, type ResponseContext } from "@kubernetes/client-node";
import { KubeError, type KubeRequest } from "../kube-client.ts";
import { until } from "../until.ts";
import type { Access, Credentials } from "./credentials.ts";
import { refusalOf, silenceOf, type Trouble } from "./refusal.ts";

export interface Exchange extends Pick<KubeRequest, "query" | "body" | "contentType"> {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  /** Aborted: the exchange ends where it is. */
  readonly signal: AbortSignal;
}

const http = new IsomorphicFetchHttpLibrary();

/**
 * Asks once, and once more with fresh credentials where those at hand are
 * refused, and takes the answer with `read`.
 */
export async function exchange<T>(
  credentials: Credentials,
  request: Exchange,
  read: (answer: ResponseContext, access: Access) => Promise<T>,
): Promise<{ readonly value: T } | { readonly trouble: Trouble }> {
  let access: Access | undefined;
  try {
    access = await until(credentials.current(), request.signal);
    let answer = await send(access, request);
    if (answer.httpStatusCode === 401) {
      await answer.body.stream()?.cancel();
      access = await until(credentials.renew(access), request.signal);
      answer = await send(access, request);
    }
    if (answer.httpStatusCode >= 300) return { trouble: await refusalOf(answer) };
    return { value: await read(answer, access) };
  } catch (error) {
    if (error instanceof KubeError) return { trouble: { error, again: true } };
    return { trouble: silent(credentials, access, error) };
  }
}

/** Nobody answered, or no longer. */
export function silent(credentials: Credentials, access: Access | undefined, error: unknown): Trouble {
  const trouble = silenceOf(error, credentials.origin);
  // A connection that says nothing may be dead without knowing it.
  if (access !== undefined && trouble.error.reason === "Timeout") credentials.reconnect(access);
  return trouble;
}

async function send({ server, headers, dispatcher }: Access, request: Exchange): Promise<ResponseContext> {
  const { method, path, query = {}, body, contentType = "application/json", signal } = request;
  const context = new RequestContext(server.replace(/\/$/, "") + path, HttpMethod[method]);
  for (const [name, value] of Object.entries(query)) context.setQueryParam(name, value);
  const sent = { accept: "application/json", "user-agent": "hydra", ...headers };
  for (const [name, value] of Object.entries(sent)) context.setHeaderParam(name, value);
  if (body !== undefined) {
    context.setHeaderParam("content-type", contentType);
    context.setBody(JSON.stringify(body));
  }
  context.setSignal(signal);
  if (dispatcher !== undefined) context.setDispatcher(dispatcher);
  return await http.send(context).toPromise();
}
