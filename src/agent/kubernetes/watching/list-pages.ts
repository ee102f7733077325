import type { KubeClient } from "../kube-client.ts";
import type { KubeObject } from "./object-meta.ts";

/** Objects of one answer: more would be held twice, as text and as objects. */
const PAGE = "250";

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

/** What the API server itself leaves out, as a query has it. */
export interface Selectors {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selectors {
  readonly signal: AbortSignal;
}

/**
 * Lists page by page and answers with the version that all of it is of.
 *
 * @throws KubeError; with status 410 if it took too long.
 */
export async function listPages<T extends KubeObject>(
  client: KubeClient,
  path: string,
  { labelSelector, fieldSelector, signal }: ListOptions,
  onObject: (object: T) => void,
): Promise<string> {
  const query = {
    limit: PAGE,
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
  let next = "";
  for (;;) {
    const page = await client.request<Page<T>>("GET", path, {
      query: next === "" ? query : { ...query, continue: next },
      signal,
    });
    for (const object of page.items ?? []) onObject(object);
    next = page.metadata.continue ?? "";
    if (next === "") return page.metadata.resourceVersion;
  }
}
