import type { V1ManagedFieldsEntry } from "@kubernetes/client-node";
import type { Plain } from "./plain.ts";

// Who set which field, as the API server records it in `metadata.managedFields`:
// an entry for each manager and way of writing, with the fields as a tree of keys
// such as `f:spec`, `f:replicas`, `k:{"name":"sentinel"}`.

/** Under which name hydra writes to a cluster. */
export const FIELD_MANAGER = "hydra";

/** Keys from the top of an object to one of its fields. */
export type FieldPath = readonly string[];

/** An entry's tree; a leaf has nothing below it. */
interface FieldTree {
  readonly [key: string]: FieldTree;
}

/** Managers other than hydra that set this field, by name. */
export function ownersOf(entries: readonly V1ManagedFieldsEntry[], path: FieldPath): string[] {
  const owners = entries.filter((entry) => entry.manager !== FIELD_MANAGER && has(entry, path));
  return [...new Set(owners.map(({ manager }) => manager ?? "somebody without a name"))];
}

/** Who set this field last, hydra included. */
export function lastOwnerOf(entries: readonly V1ManagedFieldsEntry[], path: FieldPath): string | undefined {
  const [last] = entries.filter((entry) => has(entry, path)).toSorted((one, other) => timeOf(other) - timeOf(one));
  return last?.manager;
}

/** Keys to a field of a container of a Deployment's pod template. */
export function containerPath(container: string, ...below: readonly string[]): FieldPath {
  return ["f:spec", "f:template", "f:spec", "f:containers", `k:${JSON.stringify({ name: container })}`, ...below];
}

export const REPLICAS_PATH: FieldPath = ["f:spec", "f:replicas"];

/** Fields of the spec that an apply of hydra's that leaves them out would remove. */
export function appliedFields(entries: readonly V1ManagedFieldsEntry[]): FieldPath[] {
  return entries.filter(isApplyOfHydra).flatMap((entry) => {
    const spec = treeOf(entry)["f:spec"];
    return spec ? leaves(spec, ["f:spec"]) : [];
  });
}

/** Did hydra make the object, and is all of it still recorded as hydra's? */
export function holdsCreation(entries: readonly V1ManagedFieldsEntry[]): boolean {
  return entries.some(isCreationByHydra);
}

/**
 * The entries once hydra has let go of all of the spec but these fields. The
 * values stay, and are nobody's until somebody sets them.
 */
export function keepingFields(
  entries: readonly V1ManagedFieldsEntry[],
  kept: readonly FieldPath[],
): V1ManagedFieldsEntry[] {
  const others = entries.filter((entry) => !isCreationByHydra(entry));
  return orNobody(others.map((entry) => (isApplyOfHydra(entry) ? keepingSpec(entry, kept) : entry)));
}

/** The entries without hydra's. */
export function withoutHydra(entries: readonly V1ManagedFieldsEntry[]): V1ManagedFieldsEntry[] {
  return orNobody(entries.filter(({ manager }) => manager !== FIELD_MANAGER));
}

/** An empty list would count as none given. */
function orNobody(entries: V1ManagedFieldsEntry[]): V1ManagedFieldsEntry[] {
  return entries.length > 0 ? entries : [{}];
}

function keepingSpec(entry: Plain<V1ManagedFieldsEntry>, kept: readonly FieldPath[]): V1ManagedFieldsEntry {
  const { "f:spec": spec, ...rest } = treeOf(entry);
  const left = spec && pruned(spec, ["f:spec"], kept);
  return { ...entry, fieldsV1: { ...rest, ...(left && { "f:spec": left }) } };
}

/** The tree with these fields only; undefined: none of them is in it. */
function pruned(tree: FieldTree, above: FieldPath, kept: readonly FieldPath[]): FieldTree | undefined {
  const left: Record<string, FieldTree> = {};
  let hasKept = false;
  for (const [key, below] of Object.entries(tree)) {
    const path = [...above, key];
    const what = isLeaf(below)
      ? isMark(key) || kept.some((one) => sameField(one, path))
        ? below
        : undefined
      : pruned(below, path, kept);
    if (what) left[key] = what;
    hasKept ||= what !== undefined && !isMark(key);
  }
  return hasKept ? left : undefined;
}

export function sameField(one: FieldPath, other: FieldPath): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}

function has(entry: V1ManagedFieldsEntry, path: FieldPath): boolean {
  let tree: FieldTree | undefined = treeOf(entry);
  for (const key of path) tree = tree?.[key];
  return tree !== undefined;
}

function isApplyOfHydra({ manager, operation, subresource }: V1ManagedFieldsEntry): boolean {
  return manager === FIELD_MANAGER && operation === "Apply" && !subresource;
}

function isCreationByHydra({ manager, operation, subresource }: V1ManagedFieldsEntry): boolean {
  return manager === FIELD_MANAGER && operation === "Update" && !subresource;
}

function timeOf({ time }: V1ManagedFieldsEntry): number {
  return time ? new Date(time).getTime() : 0;
}

function treeOf(entry: V1ManagedFieldsEntry): FieldTree {
  return (entry.fieldsV1 ?? {}) as FieldTree;
}

function leaves(tree: FieldTree, above: FieldPath): FieldPath[] {
  return Object.entries(tree).flatMap(([key, below]) => {
    if (isMark(key)) return [];
    const path = [...above, key];
    return isLeaf(below) ? [path] : leaves(below, path);
  });
}

function isLeaf(tree: FieldTree): boolean {
  return Object.keys(tree).length === 0;
}

/** These only say that a list's item is there: itself, and the name that it is known by. */
function isMark(key: string): boolean {
  return key === "." || key === "f:name";
}
