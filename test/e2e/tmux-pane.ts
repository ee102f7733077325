import { execFile, spawnSync } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { withoutSettings } from "./hydra-process.ts";

const run = promisify(execFile);
const PROGRAM = path.join(import.meta.dirname, "../../bin/hydra.js");

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

/** A command of hydra in a real terminal; its exit code is printed below what it drew. Closed at the end of its scope. */
export interface TmuxPane extends AsyncDisposable {
  /** What a person sees, without empty rows at the bottom. */
  screen(): Promise<string>;
  /** The same with what has scrolled out at the top. */
  everything(): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  /** Presses keys, named as tmux names them. */
  press(...keys: string[]): Promise<void>;
  showsCursor(): Promise<boolean>;
  /** The process of hydra. */
  pid(): Promise<number>;
  /** As a window that is closed, or a connection that is lost. */
  close(): Promise<void>;
}

export interface TmuxPaneOptions {
  /** Where the socket of its server goes. */
  directory: string;
  columns: number;
  rows: number;
  env?: Record<string, string>;
}

export async function openTmuxPane(args: readonly string[], options: TmuxPaneOptions): Promise<TmuxPane> {
  const { directory, columns, rows, env = {} } = options;
  const socket = path.join(directory, "tmux");
  const environment = { ...withoutSettings(), LANG: "C.UTF-8", ...env };
  const tmux = async (...command: string[]) =>
    (await run("tmux", ["-u", "-S", socket, "-f", "/dev/null", ...command], { env: environment })).stdout;
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(" ");
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux("new-session", "-d", ...size, `echo '$ hydra'; ${words}; echo "exit code $?"; exec cat`);
  const capture = async (...more: string[]) => (await tmux("capture-pane", "-p", ...more)).trimEnd();
  const close = () => tmux("kill-server").catch(() => "");
  return {
    screen: () => capture(),
    everything: () => capture("-S", "-"),
    resize: async (toColumns, toRows) => {
      await tmux("resize-window", "-x", String(toColumns), "-y", String(toRows));
    },
    press: async (...keys) => {
      await tmux("send-keys", ...keys);
    },
    showsCursor: async () => (await tmux("display-message", "-p", "#{cursor_flag}")).trim() === "1",
    async pid() {
      const shell = (await tmux("display-message", "-p", "#{pane_pid}")).trim();
      return Number((await run("pgrep", ["-P", shell])).stdout.trim());
    },
    close: async () => void (await close()),
    [Symbol.asyncDispose]: async () => void (await close()),
  };
}
