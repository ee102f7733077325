// Reads PromQL expressions, as far as it takes to know which metrics and labels they name.

/** Of every panel. */
export function expressionsOfDashboard(json: string): string[] {
  const { panels } = JSON.parse(json) as { panels: { targets?: { expr: string }[] }[] };
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** Of every rule; each is on a line of its own. */
export function expressionsOfAlerts(yaml: string): string[] {
  const rules = yaml.match(/^ *- alert: \w+$/gm) ?? [];
  const expressions = [...yaml.matchAll(/^ *expr: (\S.*)$/gm)].map(([, expression = ""]) => expression);
  if (rules.length !== expressions.length) throw new Error(`${rules.length} alerts, ${expressions.length} expressions`);
  return expressions;
}

/** The metrics that an expression names; series of histograms count as the histogram. */
export function metricsUsed(expression: string, all: readonly string[]): { known: string[]; unknown: string[] } {
  const names = expression.match(/\b(hydra|process|nodejs)_\w+/g) ?? [];
  const families = names.map((name) => (all.includes(name) ? name : name.replace(/_(bucket|sum|count)$/, "")));
  return {
    known: families.filter((name) => all.includes(name)),
    unknown: families.filter((name) => !all.includes(name)),
  };
}

/** The labels that it selects or groups by. */
export function labelsUsed(expression: string): Set<string> {
  const selected = [...expression.matchAll(/(\w+)(=~|!~|!=|=)"/g)].map(([, label = ""]) => label);
  const grouped = [...expression.matchAll(/\b(?:by|without|on|ignoring) \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(",").map((label) => label.trim()),
  );
  return new Set([...selected, ...grouped].filter((label) => label !== ""));
}

/** The values that labels must have, each as a series shows it: `state="paused"`. */
export function valuesUsed(expression: string): { metric: string; selector: string }[] {
  return [...expression.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([, metric = "", selectors = ""]) =>
    [...selectors.matchAll(/(\w+)=~?"([a-z_|]+)"/g)].flatMap(([, label, values = ""]) =>
      values.split("|").map((value) => ({ metric, selector: `${label}="${value}"` })),
    ),
  );
}
