import { type AnyHandler, anyHandler } from "../engine/index.ts";
import { cancelHandler } from "./cancel.ts";
import { deployHandler } from "./deploy.ts";
import { deployTargetHandler } from "./deploy-target.ts";
import { notifyReadyHandler } from "./notify-ready.ts";
import { checkRolloutOptions, type RolloutOptions } from "./options.ts";
import { resumeHandler } from "./resume.ts";
import { revertTargetHandler } from "./revert-target.ts";
import { rollbackAllHandler } from "./rollback-all.ts";
import { rolloutHandler } from "./rollout.ts";

/** All handlers of the domain, ready to be registered with an engine. */
export function rolloutHandlers(options: RolloutOptions): AnyHandler[] {
  checkRolloutOptions(options);
  return [
    anyHandler(rolloutHandler(options)),
    anyHandler(resumeHandler(options)),
    anyHandler(cancelHandler()),
    anyHandler(rollbackAllHandler()),
    anyHandler(deployHandler(options)),
    anyHandler(notifyReadyHandler()),
    anyHandler(deployTargetHandler(options)),
    anyHandler(revertTargetHandler(options)),
  ];
}

/** Migrations of the domain's tables, for the engine's `migrate`. */
export const rolloutMigrations = { dir: new URL("./sql/", import.meta.url), schema: "public" };
