import type { V1LabelSelector } from "@kubernetes/client-node";

const WRITTEN: Readonly<Record<string, (key: string, values: readonly string[]) => string>> = {
  In: (key, values) => `${key} in (${values.join(",")})`,
  NotIn: (key, values) => `${key} notin (${values.join(",")})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** A selector as a query has it: `app=a,tier in (x,y)`. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.flatMap(({ key, operator, values = [] }) => WRITTEN[operator]?.(key, values) ?? []),
  ].join(",");
}
