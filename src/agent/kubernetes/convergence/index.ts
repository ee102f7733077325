// The only door to the judging of sentinels.
export type { Memory } from "./grace.ts";
export { type Hindrance, judge, judgeUnapplied, type Verdict } from "./judge.ts";
export type { Situation } from "./situation.ts";
