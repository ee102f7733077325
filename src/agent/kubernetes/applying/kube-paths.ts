import type { Place } from "../objects.ts";

/** The kinds of objects that hydra makes, each by the path of its API group. */
const KINDS = {
  Deployment: { apiVersion: "apps/v1", group: "/apis/apps/v1", plural: "deployments" },
  Service: { apiVersion: "v1", group: "/api/v1", plural: "services" },
  PodDisruptionBudget: { apiVersion: "policy/v1", group: "/apis/policy/v1", plural: "poddisruptionbudgets" },
} as const;

export type Kind = keyof typeof KINDS;

export const NAMESPACES_PATH = "/api/v1/namespaces";

export function isKind(kind: unknown): kind is Kind {
  return typeof kind === "string" && Object.hasOwn(KINDS, kind);
}

/** Their names, as a sentence lists them. */
export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

export function apiVersionOf(kind: Kind): string {
  return KINDS[kind].apiVersion;
}

/** All of a kind in a namespace. */
export function collectionPath(kind: Kind, namespace: string): string {
  const { group, plural } = KINDS[kind];
  return `${group}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

export function objectPath(kind: Kind, { namespace, name }: Place): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

export function autoscalersPath(namespace: string): string {
  return `/apis/autoscaling/v2/namespaces/${encodeURIComponent(namespace)}/horizontalpodautoscalers`;
}
