export { DEMO_FAILING, DEMO_SENTINELS } from "./demo-story.ts";
export { ExitCode } from "./exit-codes.ts";
export { addOperatorCommands, type CliSurroundings } from "./operator-commands.ts";
export { type DemoOptions, playDemo } from "./play-demo.ts";
export { createTerminal, type Terminal } from "./terminal.ts";
