import { apiVersionOf, isKind, KIND_NAMES } from "../kube-paths.ts";
import { isPlaceholder, PLACEHOLDERS, placeholdersIn } from "./placeholders.ts";

/** A document as far as the checks look into it; anything may be missing or something else. */
interface Draft {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown } | null;
  readonly spec?: {
    readonly template?: { readonly spec?: { readonly containers?: unknown } | null } | null;
  } | null;
}

const NAMES = new Intl.ListFormat("en", { type: "conjunction" });

/** What is wrong with a template's documents, in a sentence; undefined: nothing that can be seen without a cluster. */
export function checkManifests(documents: readonly unknown[], container: string): string | undefined {
  for (const [index, document] of documents.entries()) {
    const problem = checkDocument(document);
    if (problem !== undefined) return `document ${index + 1} ${problem}`;
  }
  return checkDeployment(documents as Draft[], container);
}

function checkDocument(document: unknown): string | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return "is not a manifest";
  const { apiVersion, kind, metadata } = document as Draft;
  if (!isKind(kind)) {
    return `is of kind ${String(kind)}: hydra makes objects of the kinds ${NAMES.format(KIND_NAMES)} only`;
  }
  if (apiVersion !== apiVersionOf(kind)) {
    return `has apiVersion ${String(apiVersion)}: a ${kind} is ${apiVersionOf(kind)}`;
  }
  const unknown = placeholdersIn(document).find((name) => !isPlaceholder(name));
  if (unknown !== undefined) {
    return `has the placeholder {{${unknown}}}: there are ${NAMES.format(PLACEHOLDERS.map((name) => `{{${name}}}`))}`;
  }
  return checkName(kind, metadata ?? {});
}

/** Sentinels of one namespace must not share an object, so its name has to tell which it belongs to. */
function checkName(kind: string, { name, namespace }: NonNullable<Draft["metadata"]>): string | undefined {
  const inName = placeholdersIn(name);
  const isWhole = typeof name === "string" && /^[⟦⟪]name[⟧⟫]$/.test(name);
  if (kind === "Deployment" && !isWhole) return "has another name than {{name}}: that is the sentinel's Deployment";
  if (!inName.includes("name")) return `has a name without {{name}}: each sentinel needs a ${kind} of its own`;
  if (namespace !== undefined && !placeholdersIn(namespace).includes("namespace")) {
    return "has a namespace: leave it out, it is the sentinel's";
  }
  return undefined;
}

function checkDeployment(documents: readonly Draft[], container: string): string | undefined {
  const deployments = documents.filter(({ kind }) => kind === "Deployment");
  if (deployments.length !== 1) return `there are ${deployments.length} Deployments: exactly one is needed`;
  const containers = deployments[0]?.spec?.template?.spec?.containers;
  const names = Array.isArray(containers) ? containers.map((one: { name?: unknown } | null) => String(one?.name)) : [];
  if (names.some((name) => name === container || /^[⟦⟪]container[⟧⟫]$/.test(name))) return undefined;
  return `the Deployment has no container named ${container}, which hydra sets the image of; it has ${NAMES.format(names) || "none"}`;
}
