import { Counter, Gauge, Histogram, Registry } from "prom-client";

// How metrics are made here: every combination of label values is there from
// the start, as 0, so that an alert on a rate sees the first event; and gauges
// are asked for at each scrape, and are not there where nobody knows their value.

/** Makes metrics, and writes them down. Each name once. */
export class Meters {
  readonly #registry = new Registry();

  /** Of the text format. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of them, as they are now. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  counter(name: string, help: string): () => void {
    const metric = new Counter({ name, help, registers: [this.#registry] });
    return () => metric.inc();
  }

  /** By the values of their labels, joined with a space. */
  counters(name: string, help: string, labels: Readonly<Record<string, readonly string[]>>): Map<string, () => void> {
    const metric = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    return new Map(
      combinations(labels).map((values) => {
        const one = metric.labels(values);
        one.inc(0);
        return [Object.values(values).join(" "), () => one.inc()];
      }),
    );
  }

  histogram(name: string, help: string, buckets: number[]): (value: number) => void {
    const metric = new Histogram({ name, help, buckets, registers: [this.#registry] });
    return (value) => metric.observe(value);
  }

  /** By the value of their one label. */
  histograms(
    name: string,
    help: string,
    buckets: number[],
    { label, values }: { readonly label: string; readonly values: readonly string[] },
  ): Map<string, (value: number) => void> {
    const metric = new Histogram({ name, help, buckets, labelNames: [label], registers: [this.#registry] });
    return new Map(
      values.map((value) => {
        metric.zero({ [label]: value });
        const one = metric.labels(value);
        return [value, (observed) => one.observe(observed)];
      }),
    );
  }

  gauge(name: string, help: string, read: () => number | undefined): void {
    const metric: Gauge = new Gauge({ name, help, registers: [], collect: () => show(read()) });
    const show = (value: number | undefined) => (value === undefined ? metric.remove() : metric.set(value));
    this.#registry.registerMetric(metric);
  }

  /** Of one label, by its value; a value that is no longer there is gone. */
  gauges(name: string, help: string, label: string, read: () => Readonly<Record<string, number>> | undefined): void {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [],
      collect: () => show(read() ?? {}),
    });
    const show = (values: Readonly<Record<string, number>>) => {
      metric.reset();
      for (const [value, count] of Object.entries(values)) metric.set({ [label]: value }, count);
    };
    this.#registry.registerMetric(metric);
  }
}

function combinations(labels: Readonly<Record<string, readonly string[]>>): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (sets, [label, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value }))),
    [{}],
  );
}
