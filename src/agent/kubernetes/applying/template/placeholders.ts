import type { DesiredSentinel } from "../../../../gen/hydra/v1/cluster_pb.ts";

// Placeholders are filled in after the YAML has been read, value by value, so that
// no value can change the manifests' structure. To get them through the reader,
// `{{name}}`, which YAML takes for a mapping, becomes a word in brackets that YAML
// has no use for: ⟦name⟧, or ⟪name⟫ where it is quoted and so to be a string.

/** What a placeholder stands for; undefined: the sentinel's row does not set it. */
export type PlaceholderValues = Readonly<Record<PlaceholderName, string | number | undefined>>;

export const PLACEHOLDERS = [
  "sentinel_id",
  "namespace",
  "name",
  "container",
  "image",
  "replicas",
  "cpu_millicores",
  "memory_mib",
] as const;
export type PlaceholderName = (typeof PLACEHOLDERS)[number];

const IN_TEXT = /(["']?)\{\{\s*([^{}]*?)\s*\}\}(["']?)/g;
const IN_VALUES = /[⟦⟪]([^⟧⟫]*)[⟧⟫]/g;
const WHOLE_VALUE = /^⟦([^⟧]*)⟧$/;

/** The text as YAML can read it. */
export function bracketPlaceholders(text: string): string {
  return text.replaceAll(IN_TEXT, (_, before: string, name: string, after: string) => {
    const isQuoted = before !== "" && before === after;
    return `${before}${isQuoted ? `⟪${name}⟫` : `⟦${name}⟧`}${after}`;
  });
}

/** Names of all placeholders in what YAML has read. */
export function placeholdersIn(value: unknown): string[] {
  if (typeof value === "string") return [...value.matchAll(IN_VALUES)].map(([, name = ""]) => name);
  if (Array.isArray(value)) return value.flatMap(placeholdersIn);
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, below]) => [...placeholdersIn(key), ...placeholdersIn(below)]);
}

/** A value, with its placeholders filled in. A field or an item with one that is not set is left out. */
export function fillIn<T>(value: T, values: PlaceholderValues): T | undefined;
export function fillIn(value: unknown, values: PlaceholderValues): unknown {
  if (typeof value === "string") return fillText(value, values);
  if (Array.isArray(value)) return value.map((item) => fillIn(item, values)).filter((item) => item !== undefined);
  if (!isMapping(value)) return value;
  const filled = Object.entries(value).map(([key, below]) => [fillText(key, values), fillIn(below, values)] as const);
  return Object.fromEntries(filled.filter(([key, below]) => key !== undefined && below !== undefined));
}

export function placeholderValues(desired: DesiredSentinel, container: string): PlaceholderValues {
  const set = (amount: number) => (amount > 0 ? amount : undefined);
  return {
    sentinel_id: desired.sentinelId,
    namespace: desired.k8sNamespace,
    name: desired.k8sName,
    container,
    image: desired.image,
    replicas: set(desired.desiredReplicas),
    cpu_millicores: set(desired.cpuMillicores),
    memory_mib: set(desired.memoryMib),
  };
}

export function isPlaceholder(name: string): name is PlaceholderName {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}

function fillText(text: string, values: PlaceholderValues): string | number | undefined {
  const [, whole] = WHOLE_VALUE.exec(text) ?? [];
  if (whole !== undefined) return values[whole as PlaceholderName];
  if (placeholdersIn(text).some((name) => values[name as PlaceholderName] === undefined)) return undefined;
  return text.replaceAll(IN_VALUES, (_, name: PlaceholderName) => String(values[name]));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
