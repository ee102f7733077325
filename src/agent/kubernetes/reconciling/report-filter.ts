import type { Observed } from "../../reporter.ts";

/**
 * Lets through what differs from the last report of one sentinel. After
 * `repeat` what does not, too, once.
 */
export class ReportFilter {
  #last: Observed | undefined;
  #repeats = false;

  repeat(): void {
    this.#repeats = true;
  }

  /** The report to send; undefined: it has been told. */
  pass(observed: Observed): Observed | undefined {
    const last = this.#last;
    const told = last !== undefined && saysTheSame(last, observed);
    if (told && !this.#repeats) return undefined;
    this.#repeats = false;
    this.#last =
      last && isOneSeries(last, observed) ? { ...observed, reportOrder: orderAfter(last, observed, told) } : observed;
    return this.#last;
  }
}

function isOneSeries(last: Observed, observed: Observed): boolean {
  return last.deploymentUid === observed.deploymentUid && last.deployNumber === observed.deployNumber;
}

/** An object that has gone can leave only older ones to look at: what is new is told as newer all the same. */
function orderAfter(last: Observed, { reportOrder }: Observed, told: boolean): bigint {
  const least = told ? last.reportOrder : last.reportOrder + 1n;
  return reportOrder > least ? reportOrder : least;
}

function saysTheSame(last: Observed, observed: Observed): boolean {
  const fields = Object.keys(observed) as (keyof Observed)[];
  return fields.every((field) => field === "reportOrder" || last[field] === observed[field]);
}
