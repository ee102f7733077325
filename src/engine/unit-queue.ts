import type { Unit } from "./unit.ts";

/**
 * Units that wait for the committer. Urgent ones go first; units of one lane
 * keep their order; no two rows about the same record share a batch.
 */
export class UnitQueue {
  #urgent: Unit[] = [];
  #others: Unit[] = [];
  #weight = 0;

  /** Operations that wait. */
  get weight(): number {
    return this.#weight;
  }

  add(unit: Unit): void {
    (unit.urgent ? this.#urgent : this.#others).push(unit);
    this.#weight += unit.weight;
  }

  /** The next batch, without units of these lanes: at least one unit, then as many as fit. */
  take(maxWeight: number, lanesUnderWay: Iterable<number> = []): Unit[] {
    const gathered = new Gathering(maxWeight, lanesUnderWay);
    this.#urgent = gathered.from(this.#urgent);
    this.#others = gathered.from(this.#others);
    this.#weight -= gathered.weight;
    return gathered.units;
  }

  takeAll(): Unit[] {
    const units = [...this.#urgent, ...this.#others];
    this.#urgent = [];
    this.#others = [];
    this.#weight = 0;
    return units;
  }
}

class Gathering {
  readonly units: Unit[] = [];
  weight = 0;
  readonly #maxWeight: number;
  readonly #records = new Set<string>();
  readonly #deferredLanes: Set<number>;

  constructor(maxWeight: number, lanesUnderWay: Iterable<number>) {
    this.#maxWeight = maxWeight;
    this.#deferredLanes = new Set(lanesUnderWay);
  }

  /** Takes what fits, and at least one unit of each queue, so that none starves; hands back the rest, in order. */
  from(queue: Unit[]): Unit[] {
    const rest: Unit[] = [];
    const before = this.units.length;
    for (let i = 0; i < queue.length; i++) {
      const unit = queue[i] as Unit;
      if (this.units.length > before && this.weight + unit.weight > this.#maxWeight) {
        return rest.length === 0 ? queue.slice(i) : rest.concat(queue.slice(i));
      }
      if (!this.#takes(unit)) rest.push(unit);
    }
    return rest;
  }

  #takes(unit: Unit): boolean {
    const records = [...recordsOf(unit)];
    const lane = unit.lane;
    const collides = records.some((record) => this.#records.has(record));
    // Those of a unit that has to wait, too: a later one must not pass it.
    for (const record of records) this.#records.add(record);
    if (collides || (lane !== undefined && this.#deferredLanes.has(lane))) {
      if (lane !== undefined) this.#deferredLanes.add(lane);
      return false;
    }
    this.units.push(unit);
    this.weight += unit.weight;
    return true;
  }
}

function* recordsOf(unit: Unit): Iterable<string> {
  if (unit.claim) {
    const { service, key, handler, idempotencyKey } = unit.claim;
    yield JSON.stringify(["claim", service, key, handler, idempotencyKey]);
  }
  // A batch runs all rows of one effect, then those of the next: two units of one lane would lose their order.
  if (unit.lane !== undefined && unit.effects.length > 0) yield `lane ${unit.lane}`;
  for (const { effect, row } of unit.effects) {
    const record = effect.record?.(row as never);
    if (record !== undefined) yield `${effect.name} ${record}`;
  }
}
