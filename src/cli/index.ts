export { DEMO_CONVERGE_MS, DEMO_FAILURES, DEMO_FLEET } from "./demo/story.ts";
export type { Connection } from "./connection.ts";
export { ExitCode } from "./exit-codes.ts";
export { withConnection } from "./command-line/server-command.ts";
export type { CliSurroundings } from "./command-line/surroundings.ts";
export { CommandGroup, examples } from "./command-line/help-text.ts";
export { addOperatorCommands } from "./operator-commands.ts";
export { type DemoOptions, type DemoServer, playDemo } from "./demo/play-demo.ts";
export { createTerminal, type Terminal } from "./terminal.ts";
