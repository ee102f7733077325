import type pg from "pg";
import {
  type AnyHandler,
  anyHandler,
  CancelledError,
  type Context,
  defineHandler,
  effectCall,
  type HandlerDefinition,
  type HandlerOptions,
  jsonCodec,
  TerminalError,
} from "../../../src/engine/index.ts";
import type { EntryKind } from "../../../src/engine/journal.ts";
import { note, noteStep } from "./notes.ts";

// One exclusive handler for each kind of journal entry, and for each way in
// which an invocation ends. Before the operation that it is about it notes that
// it began, after it what it saw; a replay must see the same.

/** What the handlers need of the engine that runs them. */
export interface KindsHost {
  /** For what they do outside. */
  readonly pool: pg.Pool;
  /** The operation that the handler is about comes next. */
  onOperation(): void;
  resolve(awakeableId: string, value: string): Promise<void>;
  cancel(invocationId: string): Promise<unknown>;
  kill(invocationId: string): Promise<unknown>;
}

type Operate = (ctx: Context, subject: string, host: KindsHost) => Promise<unknown>;

const HOUR_MS = 3_600_000;

function define<I, O>(
  name: string,
  run: (ctx: Context, input: I) => Promise<O>,
  rest: Partial<HandlerOptions<I, O>> = {},
): HandlerDefinition<I, O> {
  const codecs = { input: jsonCodec<I>(), output: jsonCodec<O>() };
  return defineHandler({ service: "kinds", name, kind: "exclusive", public: true, run, ...codecs, ...rest });
}

const child = define<string, number>(
  "child",
  async (ctx, subject) => {
    await ctx.tx(note, { name: `child ${subject}`, value: "" });
    return subject.length;
  },
  { kind: "shared" },
);

const nextInLine = define<string, number>("next_in_line", child.run);

const admission = (subject: string) => ({
  call: effectCall(note, { name: `admitted ${subject}`, value: "" }),
  judge: () => undefined,
});

/** Born together with an effect. */
const admitted = define<string, number>("admitted", child.run, {
  kind: "shared",
  accept: (subject) => ({ admission: admission(subject) }),
});

/** Born together with an effect, and ended. */
const answered = define<string, number>("answered", child.run, {
  kind: "shared",
  accept: (subject) => ({ admission: admission(subject), answer: subject.length }),
});

/** Handlers at whose door something is committed; they are called from outside only. */
export const DOORS: readonly string[] = [admitted.name, answered.name];

/** A step that completes an awakeable: repeated with another value, which must not count. */
function resolving(ctx: Context, subject: string, host: KindsHost, awakeableId: string) {
  return ctx.run("resolve", async () => {
    const value = Math.random();
    await noteStep(host.pool, `resolved ${subject}`, value);
    await host.resolve(awakeableId, JSON.stringify(value));
  });
}

const OPERATIONS = {
  nothing: async () => null,
  run: (ctx, subject, host) =>
    Promise.resolve(
      ctx.run("step", async () => {
        const value = Math.random();
        await noteStep(host.pool, `ran ${subject}`, value);
        return value;
      }),
    ),
  tx: async (ctx, subject) => await ctx.tx(note, { name: `own ${subject}`, value: "" }),
  call: async (ctx, subject) => [
    await ctx.call(child, subject, `called ${subject}`),
    await ctx.call(nextInLine, `${ctx.key} line`, `lined ${subject}`),
  ],
  send: async (ctx, subject) => [
    await ctx.send(child, subject, `sent ${subject}`),
    await ctx.send(nextInLine, `${ctx.key} line`, `later ${subject}`, { delayMs: 5 }),
  ],
  fan_out: async (ctx, subject) => {
    const parts = [0, 1, 2].map((part) => ({ key: `${subject} ${part}`, input: `part ${part} of ${subject}` }));
    return await ctx.fanOut(child, parts);
  },
  sleep: async (ctx) => (await ctx.sleep(5)) ?? null,
  awakeable: async (ctx, subject, host) => {
    const early = ctx.awakeable<number>();
    await resolving(ctx, `${subject} early`, host, early.id);
    const late = ctx.awakeable<number>();
    const [, value] = await ctx.all([resolving(ctx, `${subject} late`, host, late.id), late.value]);
    return [await early.value, value];
  },
  state: async (ctx, subject) => {
    const count = ((await ctx.get<number>("count")) ?? 0) + 1;
    await ctx.set("count", count);
    await ctx.set("passing", subject);
    await ctx.clear("passing");
    return [count, (await ctx.get("passing")) ?? null];
  },
  values: async (ctx) => [await ctx.now(), await ctx.random()],
  all: async (ctx, subject) => [
    ...(await ctx.all([ctx.random(), ctx.call(child, subject, `one of ${subject}`), ctx.sleep(3)])),
  ],
  race: async (ctx, subject, host) => {
    const awakeable = ctx.awakeable<number>();
    const futures = [ctx.sleep(5), resolving(ctx, subject, host, awakeable.id), awakeable.value];
    const { index } = await ctx.race(futures);
    return [index, await ctx.random()];
  },
  // A cancellation hits whichever await is open, or comes next.
  cancel: async (ctx, subject, host) => {
    const nap = ctx.sleep(HOUR_MS);
    try {
      await ctx.run("ask", () => host.cancel(ctx.invocationId).then(() => subject));
      await nap;
    } catch (error) {
      if (error instanceof CancelledError) return "cancelled";
      throw error;
    }
    return "never";
  },
  kill: async (ctx, _subject, host) => {
    const nap = ctx.sleep(HOUR_MS);
    await ctx.run("ask", () => host.kill(ctx.invocationId).then(() => null));
    await nap;
    return "never";
  },
  end_by_tx: async (ctx, subject) =>
    await ctx.tx(note, { name: `saw ${subject}`, value: '"ended"' }, { end: () => ({ output: "ended" }) }),
  fail: async () => {
    throw new TerminalError("as it should", "conflict");
  },
} as const satisfies Record<string, Operate>;

export type Kind = keyof typeof OPERATIONS | "retry" | "refused_write";

/** Which of them writes which kind of journal entry; complete by its type. */
export const ENTRIES_OF: Readonly<Record<EntryKind, Kind>> = {
  run: "run",
  tx: "nothing",
  call: "call",
  send: "send",
  fan_out: "fan_out",
  sleep: "sleep",
  awakeable: "awakeable",
  get: "state",
  set: "state",
  clear: "state",
  now: "values",
  random: "values",
  race: "race",
  cancel: "cancel",
};

/** Of these no note tells what they saw. */
const SEE_NOTHING: readonly string[] = ["kill", "fail", "refused_write"];

export const KINDS: readonly Kind[] = [...(Object.keys(OPERATIONS) as Kind[]), "retry", "refused_write"];

export function seesNothing(kind: string): boolean {
  return SEE_NOTHING.includes(kind);
}

/** All handlers of the service `kinds`. */
export function kindHandlers(host: KindsHost): AnyHandler[] {
  const failedOnce = new Set<string>();
  const operations: Record<Kind, Operate> = {
    ...OPERATIONS,
    // An error that is not for good: the attempt is repeated.
    retry: async (ctx, subject) => {
      const value = await ctx.random();
      if (failedOnce.size === failedOnce.add(subject).size) return value;
      throw new Error("the first attempt in this process fails");
    },
    // The database refuses it, and its batch is split until it is found; then it is parked, or abandoned.
    refused_write: async (ctx) => await ctx.tx(note, { name: "forbidden", value: "" }),
  };
  const handlers = Object.entries(operations).map(([kind, operate]) =>
    define<string, unknown>(
      kind,
      async (ctx, subject) => {
        await ctx.tx(note, { name: `began ${subject}`, value: "" });
        host.onOperation();
        const seen = await operate(ctx, subject, host);
        await ctx.tx(note, { name: `saw ${subject}`, value: JSON.stringify(seen) });
        return seen;
      },
      seesNothing(kind)
        ? {
            retry: { maxAttempts: 1 },
            abandoned: (subject) => effectCall(note, { name: `lost ${subject}`, value: "" }),
          }
        : {},
    ),
  );
  const others = [child, nextInLine, admitted, answered];
  return [...handlers.map((handler) => anyHandler(handler)), ...others.map((handler) => anyHandler(handler))];
}
