import type { WatchResponse } from "../client.ts";
import { WatchResponseSchema } from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { summaryLine } from "./draw-rollout.ts";
import { eventLine } from "./event-sentence.ts";
import { jsonLine, sparseJsonLine } from "./json-line.ts";
import { isBeginning, viewOfRollout } from "./rollout-view.ts";
import type { Session } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** Shows what a Watch tells, as it comes. */
export interface Display {
  show(response: WatchResponse): void;
  /** Leaves the last picture standing. May be called twice. */
  end(): void;
}

export interface DisplayOptions {
  /** Leave out of plain lines that a sentinel's turn has begun: its end is told, too. Default: false. */
  brief?: boolean;
}

/** JSON lines, a picture that is drawn over, or plain lines: whatever suits the output. */
export async function createDisplay(session: Session, { brief = false }: DisplayOptions = {}): Promise<Display> {
  if (session.json) return jsonDisplay(session.terminal);
  if (!session.terminal.live) return plainDisplay(session.terminal, brief);
  // Only a terminal needs what draws over lines, and it takes a while to load.
  const { LiveDisplay } = await import("./live-display.ts");
  return new LiveDisplay(session.client, session.terminal);
}

function jsonDisplay(terminal: Terminal): Display {
  return {
    show(response) {
      const write = response.message.case === "snapshot" ? jsonLine : sparseJsonLine;
      if (response.message.case !== "heartbeat") terminal.print(write(WatchResponseSchema, response));
    },
    end() {},
  };
}

function plainDisplay(terminal: Terminal, brief: boolean): Display {
  return {
    show({ message }) {
      if (message.case === "event" && !(brief && isBeginning(message.value))) {
        terminal.print(eventLine(message.value, terminal.style));
      }
      if (message.case !== "snapshot") return;
      const { rollout, sequence, reset } = message.value;
      if (reset) terminal.print("earlier events are no longer kept; this is how it stands:");
      if (rollout) terminal.print(summaryLine(viewOfRollout(rollout, sequence)));
    },
    end() {},
  };
}
