import parse from "parse-prometheus-text-format";

/** What one scrape said. */
export class Scraped {
  readonly text: string;
  #families: ReturnType<typeof parse> | undefined;
  /** Values by series, as the text has them: `hydra_rollouts{state="paused"}`. */
  readonly series: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.text = text;
    this.series = new Map(
      text
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => {
          const space = line.lastIndexOf(" ");
          return [line.slice(0, space), Number(line.slice(space + 1))];
        }),
    );
  }

  /** As the library reads them. It makes one of a histogram's labelled ones: `series` has them apart. */
  get families(): ReturnType<typeof parse> {
    return (this.#families ??= parse(this.text));
  }

  /** Undefined: there is no such series. */
  value(series: string): number | undefined {
    return this.series.get(series);
  }

  /** Values of a metric with one label, by the label's value. */
  by(name: string): Record<string, number> {
    const family = this.families.find((each) => each.name === name);
    const values = family?.metrics.map(({ labels = {}, value }) => [Object.values(labels).join(" "), Number(value)]);
    return Object.fromEntries(values ?? []) as Record<string, number>;
  }

  /** Of each metric: its labels, without those of histograms themselves. */
  labels(): Map<string, Set<string>> {
    const names = new Map<string, Set<string>>(this.families.map(({ name }) => [name, new Set()]));
    for (const series of this.series.keys()) {
      const [name = "", labels = ""] = series.split("{");
      const known = names.get(name) ?? names.get(name.replace(/_(bucket|sum|count)$/, ""));
      for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) if (label !== "le") known?.add(label);
    }
    return names;
  }
}

export async function scrape(url: string): Promise<Scraped> {
  const response = await fetch(`${url}/metrics`);
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  return new Scraped(await response.text());
}
