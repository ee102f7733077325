import { inStyle, toPlainText } from "../fit-text.ts";
import type { Terminal } from "../terminal.ts";

/** Prints names and values: aligned on a terminal, with a tab between in a pipe. Values are never cut. */
export function showFields(terminal: Terminal, fields: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) {
    const { colors } = terminal.style;
    const line = terminal.live
      ? `${colors.dim(name.padEnd(width))}  ${inStyle(value, terminal.style)}`
      : `${name}\t${toPlainText(value)}`;
    terminal.print(line.trimEnd());
  }
}
