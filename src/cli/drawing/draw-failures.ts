import type { Canvas } from "./canvas.ts";
import { inStyle, showText, widthOf } from "../fit-text.ts";
import { failedOf, type Failure, type RolloutView } from "../view/rollout-view.ts";
import type { Style } from "../terminal.ts";
import { countOf, formatCount } from "../words.ts";

/** Up to so many are listed one by one, where all are known; else they are folded by their reasons. */
const MAX_LISTED = 5;
const MAX_GROUPS = 5;
const MAX_ID_COLUMNS = 24;

/** What failed and why, at most `maxRows` lines; nothing where nothing failed or nothing fits. */
export function drawFailures(view: RolloutView, canvas: Canvas, maxRows: number): string[] {
  const failed = Math.max(failedOf(view), view.failures.length);
  if (failed === 0 || maxRows < 3) return [];
  const { colors } = canvas.style;
  const folded = failed > MAX_LISTED || failed > view.failures.length;
  const room = maxRows - 2;
  const all = folded ? groupLines(view.failures, canvas) : failureLines(view.failures, canvas);
  // The last line says that there is more.
  const lines = folded && room > 1 ? [...all.slice(0, room - 1), moreLine(view, failed, canvas)] : all.slice(0, room);
  return ["", colors.bold(folded ? `failed: ${formatCount(failed)}` : "failed"), ...lines];
}

function failureLines(failures: readonly Failure[], { columns, style }: Canvas): string[] {
  const ids = failures.map(({ sentinelId }) => showText(sentinelId, MAX_ID_COLUMNS, style));
  const idColumns = Math.max(...ids.map(widthOf), 0);
  return failures.map(({ reason }, index) => {
    const id = ids[index] ?? "";
    const words = showText(reason || "no reason is known", columns - idColumns - 4, style);
    return `  ${style.colors.red(id)}${" ".repeat(idColumns - widthOf(id))}  ${words}`;
  });
}

interface Group {
  readonly reason: string;
  readonly ids: readonly string[];
}

/** A line for each reason: how many, which, and some of their ids. */
function groupLines(failures: readonly Failure[], canvas: Canvas): string[] {
  const groups = groupByReason(failures).slice(0, MAX_GROUPS);
  const countColumns = Math.max(...groups.map(({ ids }) => formatCount(ids.length).length), 0);
  return groups.map((group) => groupLine(group, countColumns, canvas));
}

/** The reason comes first; as many ids as have room beside it, one at least. */
function groupLine({ reason, ids }: Group, countColumns: number, { columns, style }: Canvas): string {
  const count = formatCount(ids.length).padStart(countColumns);
  const room = columns - countColumns - 4;
  const first = showText(ids[0] ?? "", MAX_ID_COLUMNS, style);
  const words = showText(reason || "no reason is known", room - widthOf(first) - 2, style);
  const named = namesOf(ids, room - widthOf(words) - 2, style) || first;
  return `  ${style.colors.red(count)}  ${words}  ${style.colors.dim(named)}`.trimEnd();
}

function namesOf(ids: readonly string[], columns: number, style: Style): string {
  let named = "";
  for (const id of ids) {
    const longer = named === "" ? inStyle(id, style) : `${named} ${inStyle(id, style)}`;
    if (widthOf(longer) > columns) break;
    named = longer;
  }
  return named;
}

/** The most frequent reason first. Reasons of one class that differ in their words are one, told in the latest words. */
function groupByReason(failures: readonly Failure[]): Group[] {
  const classes = new Map(failures.map(({ reason, reasonClass }) => [reason, reasonClass]));
  const groups = Map.groupBy(
    failures,
    ({ reason, reasonClass }) => reasonClass || classes.get(reason) || `: ${reason}`,
  );
  return [...groups.values()]
    .map((members) => ({ reason: members.at(-1)?.reason ?? "", ids: members.map(({ sentinelId }) => sentinelId) }))
    .toSorted((a, b) => b.ids.length - a.ids.length);
}

function moreLine(view: RolloutView, failed: number, { columns, style }: Canvas): string {
  const older = failed - view.failures.length;
  const words =
    older > 0
      ? `and ${countOf(older, "other")}; all of them: hydra status --failed`
      : "all of them: hydra status --failed";
  return style.colors.dim(showText(`  ${words}`, columns, style));
}
