import { setTimeout as delay } from "node:timers/promises";
import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";
import { wrapText } from "../fit-text.ts";
import type { DemoServer } from "./play-demo.ts";
import { createSession, type Session } from "../session.ts";
import type { Terminal } from "../terminal.ts";

const READING_MS_PER_CHARACTER = 16;

/** The story went another way than it should have; the message says how. */
export class StoryError extends CommandError {
  override name = "StoryError";

  constructor(message: string) {
    super(message, ExitCode.ERROR);
  }
}

/** Lines longer than this are hard to read. */
function proseColumns({ size }: Pick<Terminal, "size">): number {
  return Math.min(size().columns, 100) - 1;
}

/** Where the demo is played: an operator's session, the server behind it, and a voice beside it. */
export class Stage {
  readonly session: Session;
  readonly server: DemoServer;
  #note: (line: string) => void;

  constructor(server: DemoServer, { terminal, interrupted }: Pick<Session, "terminal" | "interrupted">) {
    this.server = server;
    this.#note = terminal.print;
    // Once interrupted, commands say that the rollout goes on in the server: here the server goes, too.
    const complain = (line: string) => void (interrupted.aborted || terminal.complain(line));
    const onDisplay = (note: (line: string) => void) => void (this.#note = note);
    this.session = createSession({ url: server.url }, { interrupted, onDisplay, terminal: { ...terminal, complain } });
  }

  /** Lines as they are, then a paragraph, and the time to read both. */
  async tell(lines: readonly string[], text: string): Promise<void> {
    if (lines.length > 0) this.list(lines);
    this.list(wrapText(text, proseColumns(this.session.terminal)));
    await this.#giveTimeFor(lines.join("") + text);
  }

  /** Lines as they are, after a blank one. */
  list(lines: readonly string[]): void {
    for (const line of ["", ...lines]) this.session.terminal.print(line);
  }

  /** What an operator would type now. */
  type(command: string): void {
    const { colors } = this.session.terminal.style;
    this.list([colors.cyan(`$ ${command}`), ""]);
  }

  /** A sentence while a rollout is drawn. */
  note(text: string): void {
    const { terminal, interrupted } = this.session;
    if (interrupted.aborted) return;
    for (const line of wrapText(text, proseColumns(terminal))) this.#note(terminal.style.colors.bold(line));
    this.#note("");
  }

  /** Nobody reads along where the output goes to a file or a program. */
  async #giveTimeFor(text: string): Promise<void> {
    const { terminal, interrupted } = this.session;
    if (!terminal.live) return;
    await delay(text.length * READING_MS_PER_CHARACTER, undefined, { signal: interrupted }).catch(() => {});
  }
}
