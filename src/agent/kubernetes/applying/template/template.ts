import { readFile } from "node:fs/promises";
import { loadAll } from "js-yaml";
import type { DesiredSentinel } from "../../../../gen/hydra/v1/cluster_pb.ts";
import type { Kind } from "../kube-paths.ts";
import { DEFAULT_TEMPLATE } from "./default-template.ts";
import { bracketPlaceholders, fillIn, placeholderValues } from "./placeholders.ts";
import { checkManifests } from "./template-checks.ts";

/** One object, as YAML has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: object;
}

/** The objects that a sentinel without a Deployment gets. */
export interface Template {
  /** With the placeholders filled in. One of them is the Deployment. */
  manifestsFor(desired: DesiredSentinel): Manifest[];
}

/** What is wrong with a template, in a sentence. */
class TemplateError extends Error {
  override name = "TemplateError";
}

/**
 * Reads and checks a template.
 *
 * @param file Unset: hydra's own.
 * @param container Container that hydra sets the image of.
 * @throws TemplateError
 */
export async function readTemplate(file: string | undefined, container: string): Promise<Template> {
  if (file === undefined) return parseTemplate(DEFAULT_TEMPLATE, container);
  try {
    return parseTemplate(await readFile(file, "utf8"), container);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TemplateError(`template ${file}: ${reason}`, { cause: error });
  }
}

/** @throws TemplateError */
export function parseTemplate(text: string, container: string): Template {
  const documents = readYaml(bracketPlaceholders(text)).filter((document) => document != null);
  const problem = checkManifests(documents, container);
  if (problem !== undefined) throw new TemplateError(problem);
  return {
    manifestsFor(desired) {
      const values = placeholderValues(desired, container);
      return documents.map((document) => fillIn(document, values) as Manifest);
    },
  };
}

function readYaml(text: string): unknown[] {
  try {
    return loadAll(text);
  } catch (error) {
    throw new TemplateError(`this is not YAML: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
