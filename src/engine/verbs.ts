import type pg from "pg";
import type { InvocationStatus } from "./api.ts";
import type { Effect } from "./effect.ts";
import { messageOf, TerminalError } from "./errors.ts";
import { formatInvocationId, parseAwakeableId, parseInvocationId } from "./ids.ts";
import type { Resolution, StopRequest } from "./operations.ts";
import { readOutcomes } from "./store/reads.ts";
import { pauseInvocation, purgeInvocation, resumeInvocation } from "./store/verbs.ts";

export interface VerbsOptions {
  readonly pool: pg.Pool;
  /** Signs awakeable ids. */
  secret(): Buffer;
  execute<Row, Result>(effect: Effect<Row, Result>, row: Row): Promise<Result | null>;
  /** Resolves once it is committed. */
  write(operation: StopRequest | Resolution): Promise<void>;
}

/**
 * What operators do to invocations. Each may be repeated, and answers false
 * where there is no such invocation. What is asked of one that runs is carried
 * out by the node that runs it, after the answer.
 */
export class Verbs {
  readonly #options: VerbsOptions;

  constructor(options: VerbsOptions) {
    this.#options = options;
  }

  async resolve(awakeableId: string, value: string): Promise<void> {
    const target = parseAwakeableId(awakeableId, this.#options.secret());
    assertJson(value);
    await this.#options.write({ kind: "resolution", ...target, value });
  }

  async reject(awakeableId: string, reason: string): Promise<void> {
    const target = parseAwakeableId(awakeableId, this.#options.secret());
    await this.#options.write({ kind: "resolution", ...target, failure: reason });
  }

  /** Of one that has ended: nothing. */
  async end(invocationId: string, how: StopRequest["how"]): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const known = (await readOutcomes(this.#options.pool, [id])).get(id);
    if (known === "pending") await this.#options.write({ kind: "stop", id, how });
    return known !== undefined;
  }

  async pause(invocationId: string): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const judged = await this.#options.execute(pauseInvocation, { id });
    if (judged) assertOpen(invocationId, judged.status, "nothing is left to pause");
    return judged !== null;
  }

  async resume(invocationId: string, { hurry }: { hurry: boolean }): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const judged = await this.#options.execute(resumeInvocation, { id, hurry });
    if (judged) assertOpen(invocationId, judged.status, "restart it to run it again");
    return judged !== null;
  }

  async purge(invocationId: string): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const judged = await this.#options.execute(purgeInvocation, { id });
    if (!judged) return false;
    if (!hasEnded(judged.status)) {
      throw refusal(invocationId, `has not ended (${judged.status}): cancel or kill it first`);
    }
    if (judged.openParent !== null) {
      const parent = formatInvocationId(judged.openParent);
      throw refusal(invocationId, `is part of ${parent}, which has not ended and may need its outcome`);
    }
    return true;
  }
}

function assertJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new TerminalError(`the value of an awakeable must be JSON: ${messageOf(error)}`, "invalid");
  }
}

function assertOpen(invocationId: string, status: InvocationStatus, advice: string): void {
  if (hasEnded(status)) throw refusal(invocationId, `has ended (${status}): ${advice}`);
}

function hasEnded(status: InvocationStatus): boolean {
  return status === "succeeded" || status === "failed";
}

function refusal(invocationId: string, why: string): TerminalError {
  return new TerminalError(`invocation ${invocationId} ${why}`, "conflict");
}
