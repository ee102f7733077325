import pc from "picocolors";
import { RESTORE, type Size } from "./drawing/painter.ts";

/** Where commands write, and what can be shown there. */
export interface Terminal {
  /** Standard output, for those who wait until it has taken what was written. */
  readonly stream: NodeJS.WriteStream;
  /** The output can be drawn over: a terminal, not a pipe. */
  readonly live: boolean;
  readonly style: Style;
  /** Columns and rows of the terminal now; 80 by 24 where there is none. */
  size(): Size;
  /** Calls back on every change of the size, until the function that is returned is called. */
  onResize(listener: () => void): () => void;
  /** To standard output, as it is. */
  write(text: string): void;
  /** Shows the cursor again and ends colours, where something was drawn. Safe at any instant. */
  restore(): void;
  /** One line to standard output. */
  print(line: string): void;
  /** One line to standard error. */
  complain(line: string): void;
}

/** How text is decorated. */
export interface Style {
  readonly colors: Pick<typeof pc, "bold" | "dim" | "red" | "green" | "yellow" | "cyan">;
  readonly symbols: Symbols;
  /** Whether more than ASCII can be shown. */
  readonly unicode: boolean;
}

/** One column each; the cells of a bar also differ where there are no colours. */
export interface Symbols {
  readonly ready: string;
  readonly failed: string;
  readonly skipped: string;
  readonly reverted: string;
  readonly deploying: string;
  readonly pending: string;
  readonly dot: string;
  readonly ellipsis: string;
}

const UNICODE: Symbols = {
  ready: "█",
  failed: "×",
  skipped: "─",
  reverted: "<",
  deploying: "▒",
  pending: "░",
  dot: "·",
  ellipsis: "…",
};

const ASCII: Symbols = {
  ready: "#",
  failed: "x",
  skipped: "-",
  reverted: "<",
  deploying: "+",
  pending: ".",
  dot: "|",
  ellipsis: "~",
};

/** A terminal over two output streams; `env` says what it can show. */
export function createTerminal(
  stdout: NodeJS.WriteStream,
  stderr: NodeJS.WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const live = isTerminal(stdout) && env["TERM"] !== "dumb";
  let drawn = false;
  return {
    stream: stdout,
    live,
    style: createStyle({ color: showsColor(stdout, env), unicode: showsUnicode(env) }),
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    onResize(listener) {
      stdout.on("resize", listener);
      return () => stdout.off("resize", listener);
    },
    write(text) {
      drawn = true;
      stdout.write(text);
    },
    restore() {
      if (drawn) stdout.write(RESTORE);
      drawn = false;
    },
    print: (line) => void stdout.write(`${line}\n`),
    complain: (line) => void stderr.write(`${line}\n`),
  };
}

export function createStyle(can: { color: boolean; unicode: boolean }): Style {
  return { colors: pc.createColors(can.color), symbols: can.unicode ? UNICODE : ASCII, unicode: can.unicode };
}

function showsColor(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env["NO_COLOR"]) return false;
  if (env["FORCE_COLOR"]) return env["FORCE_COLOR"] !== "0";
  return isTerminal(stream) && env["TERM"] !== "dumb";
}

/** A pipe has no such property, whatever its type says. */
function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/** Where no locale is set at all, as in most containers, the terminal outside is a modern one all the same. */
function showsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"];
  return locale === undefined || locale === "" ? env["TERM"] !== "linux" : /utf-?8/i.test(locale);
}
