import type { CrashPoint } from "../../../src/engine/crash-points.ts";

/** Where a process kills or stops itself: the `passage`th time that it comes to the point, counted from when it is armed. */
export interface CrashPlan {
  readonly point: CrashPoint;
  readonly passage: number;
  /** From when passages count: its first instant, its being ready, or the operation that the handler called is about. */
  readonly from: "start" | "ready" | "operation";
  /** SIGSTOP instead of SIGKILL: it goes on when it is told to, as if nothing had happened. Default: no. */
  readonly stops?: boolean;
}

export type Passages = Partial<Record<CrashPoint, number>>;

/** Instead of a kind of handler: the effect of notes.ts, from outside any handler. It has no idempotency key. */
export const EXECUTE = "execute";

/** A call of a handler of kinds.ts. `name` is its input and its idempotency key. */
export interface Call {
  readonly kind: string;
  readonly key: string;
  readonly name: string;
}

/** What the process says to the test that started it. */
export type VictimMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "accepted"; readonly name: string; readonly invocationId: string }
  | { readonly kind: "ended"; readonly name: string; readonly outcome: string }
  /** `failure`: the kind of the engine's error; empty where it was no error of the engine. */
  | { readonly kind: "refused"; readonly name: string; readonly failure: string; readonly reason: string }
  | { readonly kind: "reached"; readonly point: CrashPoint }
  | { readonly kind: "passages"; readonly passages: Passages };

/** What the test says to the process. */
export type VictimOrder =
  | ({ readonly order: "call" } & Call)
  | { readonly order: "passages" }
  | { readonly order: "stop" };
