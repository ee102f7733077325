import fc from "fast-check";

// Programs that handlers run: data, so that the same can be run by the engine and told in advance by the model.

export type Step =
  /** Marks its own path in the table of marks, exactly once. */
  | { readonly do: "mark" }
  /** Appends its own path to the list in the state of its key. */
  | { readonly do: "append" }
  /** A step outside that fails at first. */
  | { readonly do: "flaky" }
  | { readonly do: "sleep"; readonly ms: number }
  /** Waits for a value from outside. */
  | { readonly do: "wait" }
  /** Runs a program under another key, and takes its answer. */
  | { readonly do: "call"; readonly key: number; readonly steps: readonly Step[] }
  /** Runs a program under any key, without waiting. */
  | { readonly do: "send"; readonly key: number; readonly steps: readonly Step[] }
  | { readonly do: "fail" };

/** What a client does, one after the other. */
export type Action =
  | { readonly do: "invoke"; readonly key: number; readonly steps: readonly Step[]; readonly at: number }
  /** Asks for the end of one of the invocations so far. */
  | { readonly do: "cancel"; readonly which: number; readonly at: number }
  /** The engine loses its connection to the database. */
  | { readonly do: "cut"; readonly at: number }
  /** The engine is stopped, and another one started in its place. */
  | { readonly do: "replace"; readonly at: number };

export const KEYS = 3;
export const ENGINES = 2;

const leaves: fc.Arbitrary<Step>[] = [
  fc.constant({ do: "mark" }),
  fc.constant({ do: "append" }),
  fc.constant({ do: "flaky" }),
  fc.record({ do: fc.constant("sleep"), ms: fc.integer({ min: 0, max: 20 }) }),
  fc.constant({ do: "wait" }),
];

/** A handler calls keys above its own only: two that call each other's key would wait for good. */
function stepsFor(key: number, depth: number): fc.Arbitrary<readonly Step[]> {
  const calls: fc.Arbitrary<Step>[] = [];
  if (depth > 0) {
    for (let other = key + 1; other < KEYS; other++) {
      calls.push(fc.record({ do: fc.constant("call"), key: fc.constant(other), steps: stepsFor(other, depth - 1) }));
    }
    const sent = fc
      .integer({ min: 0, max: KEYS - 1 })
      .chain((other) =>
        fc.record({ do: fc.constant("send" as const), key: fc.constant(other), steps: stepsFor(other, depth - 1) }),
      );
    calls.push(sent);
  }
  const failing: fc.Arbitrary<readonly Step[]> = fc.constant([{ do: "fail" }]);
  const plain = fc.array(fc.oneof(...leaves, ...calls), { maxLength: 5 });
  const end = fc.oneof({ arbitrary: fc.constant<readonly Step[]>([]), weight: 5 }, { arbitrary: failing, weight: 1 });
  return fc.tuple(plain, end).map(([steps, last]) => [...steps, ...last]);
}

const at = fc.integer({ min: 0, max: ENGINES - 1 });

const invoke: fc.Arbitrary<Action> = fc
  .integer({ min: 0, max: KEYS - 1 })
  .chain((key) =>
    fc.record({ do: fc.constant("invoke" as const), key: fc.constant(key), steps: stepsFor(key, 2), at }),
  );

export const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    { arbitrary: invoke, weight: 6 },
    { arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat(20), at }), weight: 1 },
    { arbitrary: fc.record({ do: fc.constant("cut" as const), at }), weight: 1 },
    { arbitrary: fc.record({ do: fc.constant("replace" as const), at }), weight: 1 },
  ),
  { minLength: 1, maxLength: 12 },
);
