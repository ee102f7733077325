import { fileURLToPath } from "node:url";
import type { EngineLimits } from "../../../src/engine/index.ts";
import { ForkedNode } from "../fixtures/forked-node.ts";
import type { Call, CrashPlan, VictimMessage, VictimOrder } from "./orders.ts";

const VICTIM = new URL("./victim.ts", import.meta.url);
/** Hundreds of them are started: most of what a start takes is to compile. */
const COMPILED = fileURLToPath(new URL("../../../node_modules/.cache/victim", import.meta.url));

export interface VictimOptions {
  readonly limits: Partial<EngineLimits>;
  readonly crash?: CrashPlan;
}

/** A process that runs an engine with the handlers of kinds.ts, and may kill itself at a crash point. */
export class VictimProcess extends ForkedNode<VictimMessage, VictimOrder> {
  /** Does not wait: it may never come to be ready. */
  static launch(databaseUrl: string, { limits, crash }: VictimOptions): VictimProcess {
    return new VictimProcess(VICTIM, {
      DATABASE_URL: databaseUrl,
      LIMITS: JSON.stringify(limits),
      NODE_COMPILE_CACHE: COMPILED,
      ...(crash ? { CRASH: JSON.stringify(crash) } : {}),
    });
  }

  static async start(databaseUrl: string, options: VictimOptions): Promise<VictimProcess> {
    const victim = VictimProcess.launch(databaseUrl, options);
    await victim.ready();
    return victim;
  }

  call(call: Call): void {
    this.order({ order: "call", ...call });
  }

  /** It killed itself where it was to. */
  get reachedItsPoint(): boolean {
    return this.told("reached").length > 0;
  }
}
