import type pg from "pg";
import type { Accepted, Ending, Invocation, InvocationStatus, Restart } from "./api.ts";
import type { AnyHandler } from "./definition.ts";
import { messageOf, TerminalError } from "./errors.ts";
import { formatInvocationId, parseAwakeableId, parseInvocationId } from "./ids.ts";
import type { StopRequest } from "./operations.ts";
import type { CallSource } from "./outside-call.ts";
import type { OutsideWrites } from "./outside-writes.ts";
import { countKeepable, findOpenDescendants, readInvocation } from "./store/invocations.ts";
import { readOutcomes } from "./store/reads.ts";
import { pauseInvocation, purgeInvocation, resumeInvocation, rewindInvocation } from "./store/verbs.ts";

const STOPPED_AT_ONCE = 1_000;
/** Raised by engine.copy_journal. */
const JOURNAL_GONE = "HY002";

export interface VerbsOptions {
  readonly pool: pg.Pool;
  /** Signs awakeable ids. */
  secret(): Buffer;
  readonly writes: OutsideWrites;
  handlerOf(service: string, name: string): AnyHandler | undefined;
  /** A call like one that was made before. */
  repeat(invocation: Invocation, source: CallSource): Promise<Accepted>;
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
    await this.#options.writes.write({ kind: "resolution", ...target, value });
  }

  async reject(awakeableId: string, reason: string): Promise<void> {
    const target = parseAwakeableId(awakeableId, this.#options.secret());
    await this.#options.writes.write({ kind: "resolution", ...target, failure: reason });
  }

  /** Of one that has ended: nothing, unless what it called is to end, too. */
  async end(invocationId: string, how: StopRequest["how"], { withChildren = false }: Ending = {}): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const known = (await readOutcomes(this.#options.pool, [id])).get(id);
    if (known === undefined) return false;
    if (withChildren) await this.#endChildren(id, how);
    if (known === "pending") await this.#options.writes.write({ kind: "stop", id, how });
    // What it called until it heard of that.
    if (withChildren) await this.#endChildren(id, how);
    return true;
  }

  /** The deepest first: each hears of it before its caller does. */
  async #endChildren(id: number, how: StopRequest["how"]): Promise<void> {
    const ids = await findOpenDescendants(this.#options.pool, id);
    for (let at = 0; at < ids.length; at += STOPPED_AT_ONCE) {
      const stops = ids.slice(at, at + STOPPED_AT_ONCE).map((each) => ({ kind: "stop", id: each, how }) as const);
      await this.#options.writes.write(...stops);
    }
  }

  async pause(invocationId: string): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const judged = await this.#options.writes.execute(pauseInvocation, { id });
    if (judged) assertOpen(invocationId, judged.status, "nothing is left to pause");
    return judged !== null;
  }

  async resume(invocationId: string, { hurry }: { hurry: boolean }): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const judged = await this.#options.writes.execute(resumeInvocation, { id, hurry });
    if (judged) assertOpen(invocationId, judged.status, "restart it to run it again");
    return judged !== null;
  }

  async restart(invocationId: string, { fromEntry = 0, ...call }: Restart): Promise<Accepted | undefined> {
    const id = parseInvocationId(invocationId);
    const record = await readInvocation(this.#options.pool, id);
    if (!record) return undefined;
    if (record.status === "parked" && fromEntry > 0) return await this.#rewind(invocationId, fromEntry);
    if (!hasEnded(record.status)) {
      throw refusal(invocationId, `has not ended (${record.status}): cancel or kill it first, then restart it`);
    }
    const { service, handler: name, key, input } = record;
    const handler = this.#options.handlerOf(service, name);
    if (!handler) throw refusal(invocationId, `is one of ${service}/${name}, which this server does not have`);
    const keepable = await countKeepable(this.#options.pool, id);
    if (fromEntry > keepable) {
      throw refusal(invocationId, `can be restarted from entry 0 to ${keepable}: what comes then has not completed`);
    }
    const invocation = { service, handler: name, key, input: handler.input.decode(input), ...call };
    try {
      return await this.#options.repeat(invocation, { id, input, entries: fromEntry });
    } catch (error) {
      if ((error as { code?: unknown }).code !== JOURNAL_GONE) throw error;
      throw refusal(invocationId, "has just been deleted, or its journal has");
    }
  }

  async #rewind(invocationId: string, entries: number): Promise<Accepted | undefined> {
    const rewound = await this.#options.writes.execute(rewindInvocation, {
      id: parseInvocationId(invocationId),
      entries,
    });
    if (!rewound) return undefined;
    if (rewound.status !== "parked") throw refusal(invocationId, `is not parked any more (${rewound.status})`);
    if (rewound.openChild !== null) {
      const child = formatInvocationId(rewound.openChild);
      throw refusal(invocationId, `waits for ${child}, which an entry to be dropped called: end that one first`);
    }
    return { invocationId, repeated: false };
  }

  async purge(invocationId: string): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const judged = await this.#options.writes.execute(purgeInvocation, { id });
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
