import { randomFrom } from "../../support/random.ts";
import { CRASH_POINTS } from "../../../src/engine/crash-points.ts";
import { DOORS, KINDS } from "./kinds.ts";
import { type Call, type CrashPlan, EXECUTE } from "./orders.ts";

// What random kills are to happen, drawn from a seed: the same seed draws the
// same. When each comes in the work depends on the machine.

/** One process from its start to its kill. */
export interface Life {
  readonly calls: readonly Call[];
  /** Kills itself there. Where it never comes to it, it is killed once its calls have ended. */
  readonly crash?: CrashPlan;
  /** Killed so long after it was ready, in milliseconds, otherwise. */
  readonly killedAfterMs: number;
  readonly trouble?: Trouble;
}

/** What happens to a process before it is killed, this long after it was ready. */
export interface Trouble {
  /** `pause`: it is stopped past its lease, and continued. `cut`: all nodes lose their connections. */
  readonly kind: "pause" | "cut";
  readonly afterMs: number;
}

/** Lives on one database. At the end of a round everything is looked at. */
export interface Round {
  readonly seed: number;
  /** One list of lives for each node, which it has one after the other. */
  readonly nodes: readonly (readonly Life[])[];
}

const CALLED: readonly string[] = [...KINDS, ...DOORS, EXECUTE];
const KILLS_A_ROUND = 20;
const MOST_CALLS = 15;
const KEYS = 3;
const MOST_PASSAGES = 15;
const LONGEST_LIFE_MS = 400;

/** Those that a process comes to in most of its lives. */
const OFTEN_REACHED = CRASH_POINTS.filter((point) => /^(batch|call|claim|node|heartbeat|takeover|ids):/.test(point));

/** Rounds that make `kills` kills together. Each is drawn from a seed of its own, by which it can be repeated alone. */
export function drawRounds(seed: number, kills: number): Round[] {
  const rounds: Round[] = [];
  for (let left = kills; left > 0; left -= KILLS_A_ROUND) {
    rounds.push(drawRound(seed + rounds.length, Math.min(left, KILLS_A_ROUND)));
  }
  return rounds;
}

function drawRound(seed: number, kills: number): Round {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const nodes: Life[][] = Array.from({ length: below(2) === 0 ? 1 : 3 }, () => []);
  for (let i = 0; i < kills; i++) {
    const calls = Array.from({ length: 1 + below(MOST_CALLS) }, (_, n) => {
      const kind = pick(CALLED, below);
      return { kind, key: `round ${seed} key ${below(KEYS)}`, name: `${seed}/${i}/${n} ${kind}` };
    });
    const killedAfterMs = below(LONGEST_LIFE_MS);
    nodes[i % nodes.length]?.push({ calls, killedAfterMs, ...drawCrash(below), ...drawTrouble(below) });
  }
  return { seed, nodes };
}

/** Half of them are killed at a point, the others after a time. */
function drawCrash(below: (limit: number) => number): { crash?: CrashPlan } {
  if (below(2) === 0) return {};
  const point = pick(OFTEN_REACHED, below);
  if (!point.startsWith("batch:")) return { crash: { point, passage: 1, from: "start" } };
  const from = pick(["start", "ready", "operation"] as const, below);
  return { crash: { point, passage: 1 + below(MOST_PASSAGES), from } };
}

function drawTrouble(below: (limit: number) => number): { trouble?: Trouble } {
  const kind = (["pause", "cut"] as const)[below(8)];
  return kind ? { trouble: { kind, afterMs: below(LONGEST_LIFE_MS) } } : {};
}

function pick<T>(list: readonly T[], below: (limit: number) => number): T {
  return list[below(list.length)] as T;
}
