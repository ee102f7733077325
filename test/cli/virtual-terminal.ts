import xterm from "@xterm/headless";
import { createStyle, type Terminal } from "../../src/cli/terminal.ts";

/** A terminal without a window: what is compared is what a person would see, not the bytes that drew it. */
export interface VirtualTerminal extends Terminal {
  /** Everything written so far, in the order it came. */
  readonly written: () => string;
  /** The rows that are seen, from the top, without blanks at their ends and without empty rows at the bottom. */
  screen(): Promise<string[]>;
  /** The rows that were pushed out at the top. */
  scrollback(): Promise<string[]>;
  resize(columns: number, rows: number): Promise<void>;
}

export interface VirtualTerminalOptions {
  columns: number;
  rows: number;
  /** Default: true. */
  unicode?: boolean;
  /** Default: false. */
  color?: boolean;
}

export function createVirtualTerminal(options: VirtualTerminalOptions): VirtualTerminal {
  const { columns, rows, unicode = true, color = false } = options;
  // A tty turns line feeds into new lines.
  const inner = new xterm.Terminal({
    cols: columns,
    rows,
    scrollback: 1_000,
    convertEol: true,
    allowProposedApi: true,
  });
  const listeners = new Set<() => void>();
  let written = "";
  const write = (text: string) => {
    written += text;
    inner.write(text);
  };
  /** It takes in what was written a little later. */
  const settle = () => new Promise<void>((resolve) => inner.write("", resolve));
  const read = async (from: () => number, to: () => number) => {
    await settle();
    const { active } = inner.buffer;
    const lines = Array.from({ length: to() - from() }, (_, row) =>
      active.getLine(from() + row)?.translateToString(true),
    );
    return lines.join("\n").trimEnd().split("\n");
  };
  return {
    stream: process.stdout,
    live: true,
    style: createStyle({ color, unicode }),
    size: () => ({ columns: inner.cols, rows: inner.rows }),
    onResize(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    write,
    restore: () => {
      if (written !== "") write("\u001b[?25h");
    },
    print: (line) => write(`${line}\n`),
    complain: (line) => write(`${line}\n`),
    written: () => written,
    screen: () =>
      read(
        () => inner.buffer.active.baseY,
        () => inner.buffer.active.baseY + inner.rows,
      ),
    scrollback: () =>
      read(
        () => 0,
        () => inner.buffer.active.baseY,
      ),
    async resize(toColumns, toRows) {
      await settle();
      inner.resize(toColumns, toRows);
      for (const listener of listeners) listener();
    },
  };
}
