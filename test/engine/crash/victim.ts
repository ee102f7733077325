// A server that is killed or stopped: runs an engine on DATABASE_URL with the
// handlers of kinds.ts, and does what its parent says. LIMITS are the engine's,
// as JSON. CRASH is a CrashPlan as JSON; without one it only counts its passages
// from the operation on.

import { flushCompileCache } from "node:module";
import { type CrashPoint, watchCrashPoints } from "../../../src/engine/crash-points.ts";
import { TerminalError } from "../../../src/engine/index.ts";
import { eventually } from "../../support/eventually.ts";
import { createKindsEngine } from "./host.ts";
import { note } from "./notes.ts";
import { type Call, type CrashPlan, EXECUTE, type Passages, type VictimMessage, type VictimOrder } from "./orders.ts";
import { textOf } from "./outcome-text.ts";

const plan = JSON.parse(process.env["CRASH"] ?? "null") as CrashPlan | null;
const from = plan?.from ?? "operation";
const passages: Passages = {};
let armed = from === "start";

function tell(message: VictimMessage): void {
  process.send?.(message);
}

function refuse(name: string, error: unknown): void {
  const failure = error instanceof TerminalError ? error.kind : "";
  tell({ kind: "refused", name, failure, reason: String(error) });
}

watchCrashPoints((point: CrashPoint) => {
  if (!armed) return;
  const passage = (passages[point] = (passages[point] ?? 0) + 1);
  if (point !== plan?.point || passage !== plan.passage) return;
  tell({ kind: "reached", point });
  process.kill(process.pid, plan.stops ? "SIGSTOP" : "SIGKILL");
});

// One that is killed would leave nothing for those after it.
flushCompileCache();

// A test run that was killed takes its nodes along.
process.once("disconnect", () => process.exit());

const { engine } = createKindsEngine({
  databaseUrl: process.env["DATABASE_URL"] ?? "",
  limits: JSON.parse(process.env["LIMITS"] ?? "{}"),
  onOperation: () => {
    armed = true;
  },
});
const started = engine.start();

async function call({ kind, key, name }: Call): Promise<void> {
  await started;
  if (kind === EXECUTE) {
    const result = await engine.execute(note, { name, value: "" });
    return tell({ kind: "ended", name, outcome: JSON.stringify(result) });
  }
  const invocation = { service: "kinds", handler: kind, key, input: name, idempotencyKey: name };
  const { invocationId } = await engine.invoke(invocation);
  tell({ kind: "accepted", name, invocationId });
  tell({ kind: "ended", name, outcome: textOf(await engine.attach(invocationId)) });
}

process.on("message", (order: VictimOrder) => {
  if (order.order === "passages") tell({ kind: "passages", passages });
  else if (order.order === "stop") void engine.stop().then(() => process.exit());
  else call(order).catch((error: unknown) => refuse(order.name, error));
});
try {
  await started;
} catch {
  // Its connections were cut meanwhile: as a server would, it ends, and is started again.
  process.exit(1);
}
// It looks for work when it starts: that batch is not what a test means.
await eventually(() => engine.stats().batches > 0 && engine.stats().queuedOperations === 0, { timeoutMs: 30_000 });
if (from === "ready") armed = true;
tell({ kind: "ready" });
