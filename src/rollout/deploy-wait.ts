import type { Abandonment, Awakeable, Context, Future } from "../engine/index.ts";
import type { DeployEnd } from "./effects/deploy-end.ts";
import { durationText } from "./duration-text.ts";

/** A deploy whose configuration is written in the same turn in which this was made. */
export interface DeployWait {
  /** Id for the report that settles the deploy. */
  readonly awakeable: string;
  /**
   * Waits for a report or the time limit, then lets `finish` say what is true.
   * As long as that is `progressing` (somebody else completed the awakeable) it
   * waits on.
   */
  settle<R extends { outcome: string }>(finish: (end: DeployEnd) => Future<R | null>): Promise<R | null>;
}

/** Starts the clock of a deploy. Make it before the effect that writes the configuration: they commit together. */
export function startDeployWait(ctx: Context, timeoutMs: number): DeployWait {
  const first: Awakeable<unknown> = ctx.awakeable();
  const timeout = ctx.sleep(timeoutMs);
  return {
    awakeable: first.id,
    async settle(finish) {
      let ready = first;
      for (;;) {
        const { index } = await ctx.race([ready.value, timeout]);
        ready = ctx.awakeable();
        const timedOut = index === 1;
        const result = await finish({
          invocation: ctx.invocationId,
          giveUpReason: timedOut ? `not ready within ${durationText(timeoutMs)}` : null,
          giveUpClass: timedOut ? "timeout" : null,
          nextAwakeable: ready.id,
        });
        if (result?.outcome !== "progressing") return result;
      }
    },
  };
}

/** How a deploy ends whose handler ends without an outcome. */
export function abandonedDeploy({ invocationId, reason }: Abandonment): DeployEnd {
  return {
    invocation: invocationId,
    giveUpReason: `its deploy ended without an outcome: ${reason}`,
    giveUpClass: "abandoned",
    nextAwakeable: null,
  };
}
