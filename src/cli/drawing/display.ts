import type { WatchResponse } from "../../client/index.ts";
import { WatchResponseSchema } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { jsonLine, sparseJsonLine } from "../json-line.ts";
import { PlainDisplay } from "./plain-display.ts";
import { sayAway } from "./say-away.ts";
import type { Session } from "../session.ts";
import type { Terminal } from "../terminal.ts";

/** Shows what a Watch tells, as it comes. Nothing is written before the first thing to show. */
export interface Display {
  show(response: WatchResponse): void;
  /** A line of somebody else's: above a picture, among plain lines, never in JSON. */
  note(line: string): void;
  /** The server has not answered for so many milliseconds; undefined: it answers again. */
  away(forMs: number | undefined): void;
  /** Leaves the last picture standing. May be called twice. */
  end(): void;
}

export interface DisplayOptions {
  /** Say in a picture what can be done next. Default: false, for commands that end with saying it. */
  hints?: boolean;
}

/** Whether a session's output is one picture, drawn over again and again. */
export function isPicture({ terminal, json }: Pick<Session, "terminal" | "json">): boolean {
  return terminal.live && !json;
}

/** JSON lines, a picture that is drawn over, or plain lines: whatever suits the output. */
export async function createDisplay(session: Session, options: DisplayOptions = {}): Promise<Display> {
  const display = await displayFor(session, options);
  session.onDisplay?.((line) => display.note(line));
  return display;
}

async function displayFor(session: Session, { hints = false }: DisplayOptions): Promise<Display> {
  const { client, terminal, json } = session;
  if (!isPicture(session)) return json ? jsonDisplay(terminal) : new PlainDisplay(terminal);
  // Only a terminal needs what draws, and it takes a while to load.
  const { LiveDisplay } = await import("./live-display.ts");
  return new LiveDisplay(client, terminal, hints);
}

function jsonDisplay(terminal: Terminal): Display {
  return {
    show(response) {
      const write = response.message.case === "snapshot" ? jsonLine : sparseJsonLine;
      if (response.message.case !== "heartbeat") terminal.print(write(WatchResponseSchema, response));
    },
    note() {},
    away: sayAway(terminal),
    end() {},
  };
}
