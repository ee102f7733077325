import { drawBar } from "./bar.ts";
import type { Canvas } from "./canvas.ts";
import type { RolloutView } from "../view/rollout-view.ts";
import { formatCount } from "../words.ts";

/** The bar of a rollback that goes on or has just ended; nothing where there is none. */
export function drawRollback({ rollback }: RolloutView, { columns, style }: Canvas): string[] {
  if (rollback === undefined) return [];
  const { colors, symbols } = style;
  const { total, reverted, failed } = rollback;
  const notBack = failed > 0 ? `, ${formatCount(failed)} did not go back` : "";
  const words = `${formatCount(reverted)} of ${formatCount(total)} reverted${notBack}`;
  const bar = drawBar(
    [
      { count: reverted, paint: (cells) => colors.cyan(symbols.reverted.repeat(cells)) },
      { count: failed, paint: (cells) => colors.red(symbols.failed.repeat(cells)) },
      {
        count: Math.max(0, total - reverted - failed),
        paint: (cells) => colors.dim(symbols.pending.repeat(cells)),
      },
    ],
    Math.max(10, Math.min(60, columns - words.length - 12)),
  );
  return ["", `rollback  ${bar}  ${words}`];
}
