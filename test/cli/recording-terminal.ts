import { createStyle, type Terminal } from "../../src/cli/terminal.ts";

export interface RecordingTerminal extends Terminal {
  printed: string[];
  complaints: string[];
}

/** A pipe that keeps what is written to it. */
export function recordingTerminal(): RecordingTerminal {
  const printed: string[] = [];
  const complaints: string[] = [];
  return {
    printed,
    complaints,
    stream: process.stdout,
    live: false,
    style: createStyle({ color: false, unicode: true }),
    size: () => ({ columns: 80, rows: 24 }),
    onResize: () => () => {},
    write: () => {},
    restore: () => {},
    print: (line) => void printed.push(line),
    complain: (line) => void complaints.push(line),
  };
}
