import { expect } from "vitest";
import { startTraces, type TracesOptions } from "../../../src/server/index.ts";
import { World, type WorldOptions } from "../../rollout/world.ts";
import { eventually } from "../../support/eventually.ts";
import type { ReceivedSpan } from "./otlp.ts";
import { startTestCollector, type TestCollector } from "./test-collector.ts";

/** A line that the export logged. */
export interface TraceLogLine {
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A domain whose rollouts are traced, with the collector. */
export interface Tracing extends AsyncDisposable {
  readonly world: World;
  readonly collector: TestCollector;
  readonly logged: readonly TraceLogLine[];
  /** The export that is there from the start. */
  readonly first: { stop(): Promise<void> };
  /** One more export on the same engine, as another server has it. */
  startAnother(options?: Partial<TracesOptions>): Promise<{ stop(): Promise<void> }>;
}

export async function trace(world: WorldOptions = {}, options: Partial<TracesOptions> = {}): Promise<Tracing> {
  await using stack = new AsyncDisposableStack();
  const collector = stack.use(await startTestCollector());
  const traced = stack.use(await World.create(world));
  const logged: TraceLogLine[] = [];
  const start = (others: Partial<TracesOptions> = {}) =>
    startTraces({ ...quick(traced, collector, logged), ...options, ...others });
  const first = await start();
  stack.defer(() => first.stop());
  const parts = stack.move();
  return {
    world: traced,
    collector,
    logged,
    first,
    startAnother: async (others) => {
      const traces = await start(others);
      parts.defer(() => traces.stop());
      return traces;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function quick({ engine, pool }: World, { endpoint }: TestCollector, logged: TraceLogLine[]): TracesOptions {
  const note = (fields: object, message: string) => logged.push({ message, fields: { ...fields } });
  return {
    engine,
    pool,
    log: { debug: note, info: note, warn: note, error: note },
    endpoint,
    version: "1.2.3-test",
    pollMs: 20,
    longestRetryMs: 100,
  };
}

/** Waits until the collector has the spans of a rollout that is over, and hands out each once. */
export async function spansOfRollout(collector: TestCollector, rolloutId: string): Promise<ReceivedSpan[]> {
  return eventually(() => {
    const spans = collector.distinct().filter(({ attributes }) => attributes["hydra.rollout.id"] === rolloutId);
    const root = named(spans, "rollout")[0];
    expect(root).toBeDefined();
    return spans;
  });
}

export function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] {
  return spans.filter((span) => span.name === name);
}

export const ERROR = 2;
