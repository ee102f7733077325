import type pg from "pg";
import { type Context, defineEffect, type Engine, type Outcome, TerminalError } from "../../../src/engine/index.ts";
import { createMarksTable, ended, handler, mark, query, startEngine, type TestEngine } from "../support.ts";
import { type Action, ENGINES, type Step } from "./programs.ts";
import { type Answer, valueFor } from "./reference.ts";

// Runs programs on real engines, on one database.

const DONE_WITHIN_MS = 20_000;

interface Program {
  readonly steps: readonly Step[];
  readonly path: string;
}

/** Says under which id a wait can be answered. */
const noteWait = defineEffect<{ path: string; awakeable: string }, { path: string }>({
  name: "note_wait",
  input: { path: "text", awakeable: "text" },
  output: { path: "text" },
  sql: `with noted as (
          insert into waits (path, awakeable) select path, awakeable from $input returning path
        )
        select ord, path from noted join $input using (path)`,
});

function programHandler() {
  const failedOnce = new Set<string>();
  const program = handler<Program, Answer>("program", async (ctx, { steps, path }) => {
    const answer: (string | Answer)[] = [];
    for (const [i, step] of steps.entries()) await take(ctx, step, `${path}.${i}`, answer);
    return answer;
  });

  async function take(ctx: Context, step: Step, path: string, answer: (string | Answer)[]): Promise<void> {
    switch (step.do) {
      case "mark":
        await ctx.tx(mark, { name: path });
        return;
      case "append":
        await ctx.set("list", [...((await ctx.get<string[]>("list")) ?? []), path]);
        return;
      case "flaky":
        answer.push(await ctx.run("flaky", () => failsOnce(path)));
        return;
      case "sleep":
        return await ctx.sleep(step.ms);
      case "wait": {
        const { id, value } = ctx.awakeable<string>();
        await ctx.tx(noteWait, { path, awakeable: id });
        answer.push(await value);
        return;
      }
      case "call":
        answer.push(await answerOf(ctx, step, path));
        return;
      case "send":
        await ctx.send(program, `k${step.key}`, { steps: step.steps, path });
        return;
      case "fail":
        throw new TerminalError("as the program says", "invalid");
    }
  }

  async function answerOf(ctx: Context, { key, steps }: { key: number; steps: readonly Step[] }, path: string) {
    try {
      return await ctx.call(program, `k${key}`, { steps, path });
    } catch (error) {
      if (error instanceof TerminalError && error.message === "as the program says") return "failed";
      throw error;
    }
  }

  function failsOnce(path: string): string {
    if (failedOnce.has(path)) return path;
    failedOnce.add(path);
    throw new Error("the first time it fails");
  }

  return program;
}

/** What a client has asked for. */
export interface Asked {
  readonly path: string;
  readonly key: number;
  readonly steps: readonly Step[];
  readonly invocationId: string;
  cancelled: boolean;
}

/** Engines that can be cut off and replaced, and a client that goes on through that. */
export class ModelWorld {
  readonly asked: Asked[] = [];
  readonly #url: string;
  readonly #engines: TestEngine[] = [];
  readonly #program = programHandler();

  private constructor(url: string) {
    this.#url = url;
  }

  static async start(url: string): Promise<ModelWorld> {
    await createMarksTable(url);
    await query(url, "create table waits (path text primary key, awakeable text not null, answered boolean)");
    const world = new ModelWorld(url);
    for (let i = 0; i < ENGINES; i++) world.#engines.push(await world.#startEngine());
    return world;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.stop()));
  }

  async act(action: Action): Promise<void> {
    const engine = this.#engines[action.at] as TestEngine;
    switch (action.do) {
      case "invoke":
        return await this.#invoke(engine, action.key, action.steps);
      case "cancel": {
        const asked = this.asked[action.which % Math.max(1, this.asked.length)];
        if (!asked) return;
        asked.cancelled = true;
        await insist(() => engine.cancel(asked.invocationId));
        return;
      }
      case "cut":
        await query(
          this.#url,
          `select pg_terminate_backend(n.backend_pid) from engine.nodes as n
            where n.id = $1 and n.backend_pid <> pg_backend_pid()`,
          [Number(engine.stats().nodeId) || 0],
        );
        return;
      case "replace":
        await engine.stop();
        this.#engines[action.at] = await this.#startEngine();
    }
  }

  async outcomeOf(asked: Asked): Promise<Outcome> {
    return await ended(this.#engines[0] as Engine, asked.invocationId);
  }

  /** Answers every wait twice, until nothing is open: the second answer comes too late. Throws where it takes too long. */
  async answerUntilDone(pool: pg.Pool): Promise<void> {
    const [engine, other] = this.#engines as [TestEngine, TestEngine];
    const deadline = performance.now() + DONE_WITHIN_MS;
    for (;;) {
      const { rows } = await pool.query<{ path: string; awakeable: string }>(
        "select path, awakeable from waits where answered is null",
      );
      for (const { path, awakeable } of rows) {
        await insist(() => engine.resolveAwakeable(awakeable, JSON.stringify(valueFor(path))));
        await insist(() => other.resolveAwakeable(awakeable, JSON.stringify("too late")));
        await pool.query("update waits set answered = true where path = $1", [path]);
      }
      const open = await engine.countOpenInvocations();
      if (rows.length === 0 && Object.values(open).every((count) => count === 0)) return;
      if (performance.now() > deadline) throw new Error(`not done after all that time: ${JSON.stringify(open)}`);
      await new Promise(setImmediate);
    }
  }

  async #invoke(engine: TestEngine, key: number, steps: readonly Step[]): Promise<void> {
    const path = `p${this.asked.length}`;
    const call = { service: "test", handler: "program", key: `k${key}`, input: { steps, path }, idempotencyKey: path };
    const { invocationId } = await insist(() => engine.invoke(call));
    this.asked.push({ path, key, steps, invocationId, cancelled: false });
  }

  #startEngine(): Promise<TestEngine> {
    // Batches are sent ahead whenever they can be.
    return startEngine(this.#url, [this.#program], { limits: { sendAheadFrom: 1, maxBatchOperations: 5 } });
  }
}

/** As a client does who is told that the answer was lost. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TerminalError && error.kind === "unavailable")) throw error;
    }
  }
}
